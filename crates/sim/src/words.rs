//! Random words about collections. Each has one outcome: nothing here draws lots or reads a clock.

use kvark_base::Millis;
use kvark_base::random::Random;

/// A command as a client sends it.
pub type Words = Vec<String>;

const KEYS: u64 = 4;

/// Draws words.
pub struct Vocabulary<'a> {
    /// Decides.
    pub random: &'a mut Random,
    /// The time, for deadlines.
    pub now_ms: Millis,
}

impl Vocabulary<'_> {
    /// Any word.
    pub fn any(&mut self) -> Words {
        match self.random.below(8) {
            0 => self.list(),
            1 => self.hash(),
            2 => self.set(),
            3 => self.zset(),
            4 => self.stream(),
            5 => self.string(),
            _ => self.generic(),
        }
    }

    fn pick<'p>(&mut self, of: &[&'p str]) -> &'p str {
        of[self.random.below(of.len() as u64) as usize]
    }

    fn key(&mut self, family: &str) -> String {
        format!("{family}{}", self.random.below(KEYS))
    }

    /// A member: a small number, a short word, or a long one.
    fn member(&mut self) -> String {
        let number = self.random.below(40);
        match self.random.below(8) {
            0..=3 => number.to_string(),
            4..=6 => format!("member-{number}"),
            _ => format!("{number}:").repeat(30),
        }
    }

    fn members(&mut self) -> Vec<String> {
        (0..1 + self.random.below(4)).map(|_| self.member()).collect()
    }

    fn deadline(&mut self) -> String {
        (self.now_ms + self.random.below(400)).to_string()
    }

    fn index(&mut self) -> String {
        (self.random.below(30) as i64 - 15).to_string()
    }

    fn words(&mut self, head: &[&str], rest: Vec<String>) -> Words {
        head.iter().map(|word| (*word).to_owned()).chain(rest).collect()
    }

    fn list(&mut self) -> Words {
        let (key, other) = (self.key("list"), self.key("list"));
        let word = self.pick(&["RPUSH", "LPUSH", "RPUSH", "LPOP", "RPOP", "LSET", "LINSERT", "LREM", "LTRIM", "LMOVE"]);
        let rest = match word {
            "LPOP" | "RPOP" => vec![(1 + self.random.below(3)).to_string()],
            "LSET" => vec![self.index(), self.member()],
            "LINSERT" => vec![self.pick(&["BEFORE", "AFTER"]).into(), self.member(), self.member()],
            "LREM" => vec![self.index(), self.member()],
            "LTRIM" => vec![self.index(), self.index()],
            "LMOVE" => vec![other, self.pick(&["LEFT", "RIGHT"]).into(), self.pick(&["LEFT", "RIGHT"]).into()],
            _ => self.members(),
        };
        self.words(&[word, &key], rest)
    }

    fn hash(&mut self) -> Words {
        let key = self.key("hash");
        match self.pick(&["HSET", "HSET", "HDEL", "HINCRBY", "HSETNX", "HPEXPIREAT", "HPERSIST", "HGETDEL"]) {
            "HSET" => {
                let pairs = self.members().into_iter().flat_map(|field| [field, self.member()]).collect();
                self.words(&["HSET", &key], pairs)
            }
            "HDEL" => {
                let fields = self.members();
                self.words(&["HDEL", &key], fields)
            }
            "HINCRBY" => {
                let (field, by) = (self.member(), self.index());
                self.words(&["HINCRBY", &key], vec![field, by])
            }
            "HSETNX" => {
                let pair = vec![self.member(), self.member()];
                self.words(&["HSETNX", &key], pair)
            }
            "HPEXPIREAT" => {
                let (at, field) = (self.deadline(), self.member());
                self.words(&["HPEXPIREAT", &key, &at, "FIELDS", "1", &field], vec![])
            }
            word => {
                let field = self.member();
                self.words(&[word, &key, "FIELDS", "1", &field], vec![])
            }
        }
    }

    fn set(&mut self) -> Words {
        let (key, other) = (self.key("set"), self.key("set"));
        match self.pick(&["SADD", "SADD", "SREM", "SMOVE", "SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE"]) {
            "SMOVE" => {
                let member = self.member();
                self.words(&["SMOVE", &key, &other, &member], vec![])
            }
            word @ ("SADD" | "SREM") => {
                let members = self.members();
                self.words(&[word, &key], members)
            }
            word => {
                let sources = vec![self.key("set"), self.key("set")];
                self.words(&[word, &key], sources)
            }
        }
    }

    fn zset(&mut self) -> Words {
        let key = self.key("zset");
        match self.pick(&["ZADD", "ZADD", "ZADD", "ZREM", "ZINCRBY", "ZPOPMIN", "ZREMRANGEBYRANK", "ZUNIONSTORE"]) {
            "ZADD" => {
                let pairs = self.members().into_iter().flat_map(|member| [self.index(), member]).collect();
                self.words(&["ZADD", &key], pairs)
            }
            "ZREM" => {
                let members = self.members();
                self.words(&["ZREM", &key], members)
            }
            "ZINCRBY" => {
                let rest = vec![format!("{}.5", self.random.below(9)), self.member()];
                self.words(&["ZINCRBY", &key], rest)
            }
            "ZPOPMIN" => self.words(&["ZPOPMIN", &key, "2"], vec![]),
            "ZREMRANGEBYRANK" => {
                let bounds = vec![self.index(), self.index()];
                self.words(&["ZREMRANGEBYRANK", &key], bounds)
            }
            _ => {
                let sources = vec![self.key("zset"), self.key("set")];
                self.words(&["ZUNIONSTORE", &key, "2"], sources)
            }
        }
    }

    fn stream(&mut self) -> Words {
        let key = self.key("stream");
        let id = format!("{}-{}", self.random.below(300), 1 + self.random.below(3));
        match self.random.below(12) {
            0..=4 => {
                let pairs = self.members().into_iter().flat_map(|field| [field, self.member()]).collect();
                self.words(&["XADD", &key, &id], pairs)
            }
            5 => self.words(&["XDEL", &key, &id], vec![]),
            6 => {
                let most = self.random.below(20).to_string();
                self.words(&["XTRIM", &key, "MAXLEN", &most], vec![])
            }
            7 => self.words(&["XGROUP", "CREATE", &key, "readers", "0", "MKSTREAM"], vec![]),
            8..=9 => self.words(&["XREADGROUP", "GROUP", "readers", "ada", "COUNT", "3", "STREAMS", &key, ">"], vec![]),
            10 => self.words(&["XACK", &key, "readers", &id], vec![]),
            _ => self.words(&["XCLAIM", &key, "readers", "bob", "0", &id], vec![]),
        }
    }

    fn string(&mut self) -> Words {
        let bit = self.random.below(3000).to_string();
        match self.random.below(4) {
            0 => {
                let key = self.key("bits");
                self.words(&["SETBIT", &key, &bit, "1"], vec![])
            }
            1 => {
                let key = self.key("bits");
                self.words(&["BITFIELD", &key, "INCRBY", "u5", &bit, "3"], vec![])
            }
            2 => {
                let (key, members) = (self.key("hll"), self.members());
                self.words(&["PFADD", &key], members)
            }
            _ => {
                let (key, value) = (self.key("string"), self.member());
                self.words(&["SET", &key, &value], vec![])
            }
        }
    }

    fn generic(&mut self) -> Words {
        let family = self.pick(&["list", "hash", "set", "zset", "stream", "bits", "string"]);
        let (key, other) = (self.key(family), self.key(family));
        match self.random.below(12) {
            0..=1 => self.words(&["DEL", &key], vec![]),
            2..=3 => self.words(&["COPY", &key, &other, "REPLACE"], vec![]),
            4..=5 => self.words(&["RENAME", &key, &other], vec![]),
            6..=8 => {
                let at = self.deadline();
                self.words(&["PEXPIREAT", &key, &at], vec![])
            }
            9 => self.words(&["PERSIST", &key], vec![]),
            10 => self.words(&["MOVE", &key, "1"], vec![]),
            _ => self.words(&["SWAPDB", "0", "1"], vec![]),
        }
    }
}
