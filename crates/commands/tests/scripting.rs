//! What a script can do and what it cannot: conversions, errors, the sandbox, the libraries. The answers are those of Redis 8.0.6.

mod common;

use common::Store;

/// Types EVAL of each script with a key `k` and an argument `a`, and compares what is answered.
#[track_caller]
fn eval(scripts: &[(&str, &str)]) {
    let mut store = Store::new();
    for (script, reply) in scripts {
        let quoted = script.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let shown = store.type_line(&format!("EVAL \"{quoted}\" 1 k a"));
        // The name of the script says nothing new.
        let shown = match shown.split_once(" script: ") {
            Some((error, place)) => format!("{error} {}", &place[42..]),
            None => shown,
        };
        assert_eq!(shown, *reply, "{script}");
    }
}

#[test]
fn what_a_script_returns_becomes_a_reply() {
    eval(&[
        ("return 3.99", "(integer) 3"),
        ("return -3.99", "(integer) -3"),
        ("return 'text'", "\"text\""),
        ("return true", "(integer) 1"),
        ("return false", "(nil)"),
        ("return nil", "(nil)"),
        ("return", "(nil)"),
        ("return {1, 'b', {3}, nil, 5}", "1) (integer) 1\n2) \"b\"\n3) 1) (integer) 3"),
        ("return {}", "(empty array)"),
        ("return {ok='fine'}", "fine"),
        ("return {err='MY fault'}", "(error) MY fault"),
        ("return redis.error_reply('MY fault')", "(error) MY fault"),
        ("return redis.error_reply('-MY fault')", "(error) MY fault"),
        ("return redis.error_reply('single')", "(error) ERR single"),
        ("return redis.error_reply('')", "(error) ERR"),
        ("return redis.status_reply('fine')", "fine"),
        ("return redis.status_reply(1)", "(error) ERR wrong number or type of arguments"),
        ("return {KEYS[1], ARGV[1], #KEYS, #ARGV}", "1) \"k\"\n2) \"a\"\n3) (integer) 1\n4) (integer) 1"),
        ("return setmetatable({}, {__index = function() error('looked') end})", "(empty array)"),
        ("return function() end", "(nil)"),
    ]);
}

#[test]
fn what_a_command_answers_becomes_lua() {
    eval(&[
        ("return type(redis.call('INCR', KEYS[1]))", "\"number\""),
        ("return type(redis.call('GET', KEYS[1]))", "\"string\""),
        ("return type(redis.call('GET', 'no'))", "\"boolean\""),
        ("return redis.call('PING').ok", "\"PONG\""),
        ("return redis.pcall('INCR').err", "\"ERR Wrong number of args calling Redis command from script\""),
        ("redis.call('HSET', 'h', 'f', 1) return redis.call('HGETALL', 'h')", "1) \"f\"\n2) \"1\""),
        ("redis.setresp(3) return redis.call('HGETALL', 'h').map.f", "\"1\""),
        ("redis.setresp(3) return tostring(redis.call('GET', 'no'))", "\"nil\""),
        (
            "redis.call('SADD', 's', 'm') redis.setresp(3) return tostring(redis.call('SMEMBERS', 's').set.m)",
            "\"true\"",
        ),
        (
            "redis.call('ZADD', 'z', 1.5, 'm') redis.setresp(3) return tostring(redis.call('ZSCORE', 'z', 'm').double)",
            "\"1.5\"",
        ),
        ("return redis.call('ZRANGE', 'z', 0, -1, 'WITHSCORES')", "1) \"m\"\n2) \"1.5\""),
        ("redis.setresp(3) return redis.call('ZRANGE', 'z', 0, -1, 'WITHSCORES')[1][1]", "\"m\""),
        ("return redis.call('ECHO', 1e15)", "\"1000000000000000\""),
        ("return redis.call('ECHO', 0.1)", "\"0.1\""),
        ("redis.setresp(4)", "(error) ERR RESP version must be 2 or 3. on @user_script:1."),
    ]);
}

#[test]
fn errors_say_what_and_where() {
    eval(&[
        (
            "return redis.call()",
            "(error) ERR Please specify at least one argument for this redis lib call on @user_script:1.",
        ),
        (
            "return redis.call({})",
            "(error) ERR Lua redis lib command arguments must be strings or integers on @user_script:1.",
        ),
        ("\nreturn redis.call('NO')", "(error) ERR Unknown Redis command called from script on @user_script:2."),
        (
            "return redis.call('GET')",
            "(error) ERR Wrong number of args calling Redis command from script on @user_script:1.",
        ),
        ("return redis.call('MULTI')", "(error) ERR This Redis command is not allowed from script on @user_script:1."),
        (
            "return redis.call('EVAL', 'return 1', 0)",
            "(error) ERR This Redis command is not allowed from script on @user_script:1.",
        ),
        (
            "redis.call('LPUSH', KEYS[1], 1) return redis.call('GET', KEYS[1])",
            "(error) WRONGTYPE Operation against a key holding the wrong kind of value on @user_script:1.",
        ),
        ("return redis.call('LLEN', KEYS[1])", "(integer) 1"),
        ("error('broken')", "(error) ERR user_script:1: broken on @user_script:1."),
        ("error({err='MY fault'})", "(error) MY fault on @user_script:1."),
        ("error({})", "(error) ERR unknown error on @user_script:1."),
        ("local ok, e = pcall(redis.call, 'NO') return e.err", "\"ERR Unknown Redis command called from script\""),
        (
            "return (",
            "(error) ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'",
        ),
        (
            "#!lua flags=no-writes\nredis.call('SET', 'k', 1)",
            "(error) ERR Write commands are not allowed from read-only scripts. on @user_script:2.",
        ),
        (
            "#!lua flags=no-writes\nredis.call('PUBLISH', 'channel', 'message')",
            "(error) ERR Write commands are not allowed from read-only scripts. on @user_script:2.",
        ),
        ("#!python\n", "(error) ERR Unexpected engine in script shebang: python"),
    ]);
}

#[test]
fn a_script_leaves_nothing_behind_for_the_next_one() {
    const READONLY: &str = "(error) ERR user_script:1: Attempt to modify a readonly table on @user_script:1.";
    eval(&[
        ("a = 1", READONLY),
        ("KEYS = {}", READONLY),
        ("_G.a = 1", READONLY),
        ("redis.call = 1", READONLY),
        ("string.upper = 1", READONLY),
        ("cjson.encode = 1", READONLY),
        ("setmetatable(_G, {})", READONLY),
        ("rawset(_G, 'a', 1)", READONLY),
        ("rawset(redis, 'call', 1)", READONLY),
        ("table.insert(redis, 1)", READONLY),
        ("getmetatable(_G).__index = 1", READONLY),
        ("getmetatable('').__index = 1", READONLY),
        ("getmetatable('').__index.upper = 1", READONLY),
        ("local f, t = pairs(redis) t.call = 1", READONLY),
        (
            "return a",
            "(error) ERR user_script:1: Script attempted to access nonexistent global variable 'a' on @user_script:1.",
        ),
        ("return tostring(rawget(_G, 'print')) .. type(rawget(_G, 'redis'))", "\"niltable\""),
        ("return ('x'):upper()", "\"X\""),
        ("local n = 0 for k in pairs(redis) do n = n + 1 end return n > 10", "(integer) 1"),
        ("return loadstring('return 7')()", "(integer) 7"),
        ("return select(2, loadstring(string.dump(function() end)))", "\"bytecode is not accepted\""),
        (
            "return #load(function() return nil end) == 1",
            "(error) ERR user_script:1: attempt to get length of a function value on @user_script:1.",
        ),
    ]);
}

#[test]
fn what_a_script_takes_too_much_of_is_refused() {
    eval(&[
        (
            "return {unpack({1,2,3}, 0, 2147483647)}",
            "(error) ERR user_script:1: too many results to unpack on @user_script:1.",
        ),
        (
            "local t = {} while true do t[#t+1] = string.rep('x', 1e7) .. #t end",
            "(error) ERR Error running script c8a104b3d47d9aaff350d8d2fd28f85f9a5d843c, not enough memory",
        ),
        (
            "local function f() return f() + 1 end return f()",
            "(error) ERR user_script:1: stack overflow on @user_script:1.",
        ),
        ("return 1", "(integer) 1"),
    ]);
}

#[test]
fn json_goes_there_and_back() {
    eval(&[
        ("return cjson.encode({1, 2, {a=1.5}})", r#""[1,2,{\"a\":1.5}]""#),
        ("return cjson.encode({})", "\"{}\""),
        ("return cjson.encode({1, nil, 3})", "\"[1,null,3]\""),
        (
            "return cjson.encode({[1]=1, [100]=2})",
            "(error) ERR user_script:1: Cannot serialise table: excessively sparse array on @user_script:1.",
        ),
        (
            "return cjson.encode(0/0)",
            "(error) ERR user_script:1: Cannot serialise number: must not be NaN or Inf on @user_script:1.",
        ),
        ("return cjson.encode(1e20)", "\"1e+20\""),
        ("return cjson.encode('a/b' .. string.char(1))", r#""\"a\\/b\\u0001\"""#),
        ("return cjson.decode('[1, \"\\\\u00e9\", {\"a\": [true, null]}]')[2]", "\"\\xc3\\xa9\""),
        ("return cjson.decode('[1.9e2]')[1]", "(integer) 190"),
        ("return tostring(cjson.decode('null') == cjson.null)", "\"true\""),
        (
            "return cjson.decode('{\"a\":}')",
            "(error) ERR user_script:1: Expected value but found T_OBJ_END at character 6 on @user_script:1.",
        ),
        (
            "return cjson.decode('[1,2')",
            "(error) ERR user_script:1: Expected comma or array end but found T_END at character 5 on @user_script:1.",
        ),
        (
            "return cjson.decode(string.rep('[', 1001) .. string.rep(']', 1001))",
            "(error) ERR user_script:1: Found too many nested data structures (1001) at character 1001 on @user_script:1.",
        ),
        ("return #cjson.encode(cjson.decode(string.rep('[', 1000) .. string.rep(']', 1000)))", "(integer) 2000"),
        ("local c = cjson.new() c.encode_max_depth(1) return cjson.encode({{1}})", "\"[[1]]\""),
    ]);
}

#[test]
fn messagepack_goes_there_and_back() {
    eval(&[
        (
            "local h = '' for b in cmsgpack.pack({1, -1, 'a', 1.5, 0.1, true, 70000, -2^40}):gmatch('.') do h = h .. ('%02x'):format(b:byte()) end return h",
            "\"9801ffa161ca3fc00000cb3fb999999999999ac3ce00011170d3ffffff0000000000\"",
        ),
        ("return {cmsgpack.unpack(cmsgpack.pack(1, 'x', {2}))}", "1) (integer) 1\n2) \"x\"\n3) 1) (integer) 2"),
        (
            "return {cmsgpack.unpack_limit(cmsgpack.pack(7, 8, 9), 2, 0)}",
            "1) (integer) 2\n2) (integer) 7\n3) (integer) 8",
        ),
        ("return {cmsgpack.unpack_one(cmsgpack.pack(7))}", "1) (integer) -1\n2) (integer) 7"),
        ("return cmsgpack.unpack('\\193')", "(error) ERR user_script:1: Bad data format in input. on @user_script:1."),
        ("return cmsgpack.unpack('\\220\\1')", "(error) ERR user_script:1: Missing bytes in input. on @user_script:1."),
        (
            "return cmsgpack.unpack_one('a', 5)",
            "(error) ERR user_script:1: Start offset 5 greater than input length 1. on @user_script:1.",
        ),
        ("local t = {} t.t = t return #cmsgpack.pack(t)", "(integer) 49"),
        (
            "return cmsgpack.unpack(string.rep('\\145', 100000) .. '\\1')",
            "(error) ERR user_script:1: Bad data format in input. on @user_script:1.",
        ),
    ]);
}

#[test]
fn bits_and_structs_are_those_of_redis() {
    eval(&[
        (
            "return {bit.tobit(0xffffffff), bit.lshift(1, 31), bit.arshift(-8, 1), bit.bnot(0)}",
            "1) (integer) -1\n2) (integer) -2147483648\n3) (integer) -4\n4) (integer) -1",
        ),
        (
            "return {bit.tohex(255), bit.tohex(-1, -4), bit.tohex(65535, -2147483648)}",
            "1) \"000000ff\"\n2) \"FFFF\"\n3) \"0000FFFF\"",
        ),
        (
            "return {bit.band(7, 12, 5), bit.bor(1, 2, 4), bit.bxor(7, 2)}",
            "1) (integer) 4\n2) (integer) 7\n3) (integer) 5",
        ),
        ("return struct.pack('>I2hbs', 1, -2, 3, 'x')", r#""\x00\x01\xff\xfe\x03x\x00""#),
        (
            "return {struct.unpack('>I2hbs', struct.pack('>I2hbs', 1, -2, 3, 'x'))}",
            "1) (integer) 1\n2) (integer) -2\n3) (integer) 3\n4) \"x\"\n5) (integer) 8",
        ),
        ("return {struct.unpack('bc0', '\\3abcd')}", "1) \"abc\"\n2) (integer) 5"),
        ("return {struct.size('!4bi4 d'), struct.size('i3')}", "1) (integer) 16\n2) (integer) 3"),
        (
            "return struct.unpack('i4', 'ab')",
            "(error) ERR user_script:1: bad argument #2 to 'unpack' (data string too short) on @user_script:1.",
        ),
        (
            "return struct.pack('i33', 1)",
            "(error) ERR user_script:1: integral size 33 is larger than limit of 32 on @user_script:1.",
        ),
    ]);
}

#[test]
fn a_script_has_a_selected_database_of_its_own() {
    let mut store = Store::new();
    store.expect(&[
        ("SELECT 3", "OK"),
        ("EVAL \"redis.call('SET', 'k', 1) redis.call('SELECT', 4) redis.call('SET', 'other', 1)\" 0", "(nil)"),
        ("KEYS *", "1) \"k\""),
        ("SELECT 4", "OK"),
        ("KEYS *", "1) \"other\""),
    ]);
}

#[test]
fn a_script_reaches_any_key_whatever_it_declared_before() {
    let mut store = Store::new();
    let script =
        "EVAL \"if ARGV[1] == 'far' then redis.call('INCR', ARGV[2]) end return redis.call('INCR', KEYS[1])\" 1 k";
    // It kept to its keys, and would hold just those.
    store.expect(&[(&format!("{script} near"), "(integer) 1"), (&format!("{script} near"), "(integer) 2")]);
    for far in 0..20 {
        assert_eq!(store.type_line(&format!("{script} far far:{far}")), format!("(integer) {}", far + 3));
    }
    store.expect(&[("DBSIZE", "(integer) 21"), ("GET far:7", "\"1\"")]);
    let late = "EVAL \"redis.call('INCR', KEYS[1]) if ARGV[1] == 'far' then return redis.call('DBSIZE') end\" 1 k";
    store.expect(&[(&format!("{late} near"), "(nil)"), (&format!("{late} far"), "(integer) 21"), ("GET k", "\"24\"")]);
}

#[test]
fn scripts_are_known_until_they_are_forgotten() {
    let mut store = Store::new();
    store.expect(&[
        (
            "SCRIPT LOAD \"return (\"",
            "(error) ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'",
        ),
        ("EVAL \"return 5\" 0", "(integer) 5"),
        ("EVALSHA 4CA238F611C9D0AE4E9A75A5DBAC22AEDC379801 0", "(integer) 5"),
        ("EVAL \"return 5\" 1", "(error) ERR Number of keys can't be greater than number of args"),
        ("EVAL \"return 5\" -1", "(error) ERR Number of keys can't be negative"),
        ("SCRIPT FLUSH now", "(error) ERR SCRIPT FLUSH only support SYNC|ASYNC option"),
        ("SCRIPT FLUSH ASYNC", "OK"),
        ("EVALSHA 4ca238f611c9d0ae4e9a75a5dbac22aedc379801 0", "(error) NOSCRIPT No matching script. Please use EVAL."),
    ]);
    for number in 0..600 {
        store.type_line(&format!("EVAL \"return {number}\" 0"));
    }
    assert_eq!(store.scripts.facts().scripts, 500);
    store.expect(&[("SCRIPT LOAD \"return 5\"", "\"4ca238f611c9d0ae4e9a75a5dbac22aedc379801\"")]);
    for number in 1000..1600 {
        store.type_line(&format!("EVAL \"return {number}\" 0"));
    }
    store.expect(&[("EVALSHA 4ca238f611c9d0ae4e9a75a5dbac22aedc379801 0", "(integer) 5")]);
}
