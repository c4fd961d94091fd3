"""What was configured, and where: flags, then `KVARK_*` variables, then the file, then the defaults.

The rows come from the native table (`_native.SETTINGS`), one row for the flag `--log-max-bytes`, the variable
`KVARK_LOG_MAX_BYTES`, the keyword `log_max_bytes`, the TOML key and the line of a redis.conf.

Invariant: a value that leaves this module passed its row's check, and an error names where the value stood.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kvark import _native
from kvark._directives import IGNORED, OFF, REFUSED
from kvark._errors import ConfigError

# Every name a file may use, older ones too, and what the setting is called.
NAMES = {name: row.name for row in _native.SETTINGS for name in (row.name, row.alias) if name}


@dataclass(frozen=True)
class Given:
    """One value as somebody wrote it."""

    name: str
    text: str
    where: str


@dataclass
class Config:
    """The settings that were given, checked, and what was left out of a file."""

    settings: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    file: tuple[Path, bool] | None = None
    """The file's absolute path and whether it is TOML: what CONFIG REWRITE needs."""

    def __getitem__(self, name: str) -> str:
        return self.settings.get(name, DEFAULTS[name])


DEFAULTS = {row.name: row.default for row in _native.SETTINGS}


def load(flags: Mapping[str, str], environ: Mapping[str, str], file: Path | None) -> Config:
    """The settings of `flags`, `environ` and `file`, the earlier before the later. Raises `ConfigError`."""
    config = Config()
    given = list(of_environment(environ))
    if file:
        text = text_of_file(file)
        # A link stays a link when the file behind it is replaced.
        config.file = (file.resolve(), is_toml(text, file))
        given[:0] = of_toml(text, file) if config.file[1] else of_redis_conf(text, file, config.warnings)
    given += [Given(name, text, f"--{name}") for name, text in flags.items()]
    for one in given:
        config.settings[one.name] = check(one)
    return config


def check(given: Given) -> str:
    """The value in the form in which it is kept."""
    try:
        return _native.check_setting(given.name, given.text)
    except ValueError as error:
        raise ConfigError(f"{given.where}: {given.name}: {error}") from None


def of_environment(environ: Mapping[str, str]) -> Iterator[Given]:
    for name in sorted(set(NAMES.values())):
        variable = "KVARK_" + name.upper().replace("-", "_")
        if variable in environ:
            yield Given(name, environ[variable], variable)


def text_of_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def is_toml(text: str, path: Path) -> bool:
    """`.toml` is TOML, `.conf` is a redis.conf; anything else is what it can be read as."""
    if path.suffix in (".toml", ".conf"):
        return path.suffix == ".toml"
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def of_toml(text: str, path: Path) -> Iterator[Given]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    for key, value in table.items():
        where = f"{path}:{line_of(key, text)}"
        name = key.replace("_", "-").lower()
        if name not in NAMES:
            raise ConfigError(f"{where}: there is no setting '{key}'")
        yield Given(NAMES[name], text_of(value, where, key), where)


def line_of(key: str, text: str) -> int:
    """The number of the line that sets `key`; the TOML reader does not tell."""
    pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}\b")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 1)


def text_of(value: object, where: str, key: str) -> str:
    """A TOML value as a redis.conf would spell it; a list is its words."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | str():
            return str(value)
        case list() if all(isinstance(item, int | str) for item in value):
            return " ".join(map(str, value))
    raise ConfigError(f"{where}: {key} must be text, an integer, true, false or a list of these")


def of_redis_conf(text: str, path: Path, warnings: list[str]) -> Iterator[Given]:
    left_out: list[str] = []
    repeated: dict[str, str] = {}
    # Not splitlines(): a quoted word may hold what only Unicode takes for the end of a line.
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}"
        name, *arguments = split_line(line, where) or [""]
        name = name.lower()
        if name in NAMES:
            # Redis takes one class of client a line, and lines add up.
            value = " ".join([*filter(None, [repeated.get(name)]), *arguments])
            if name == "client-output-buffer-limit":
                repeated[name] = value
            yield Given(NAMES[name], value, where)
        elif name in REFUSED and " ".join(arguments) not in OFF:
            raise ConfigError(f"{where}: '{name}' has no counterpart here and must not be left out silently: remove it")
        elif name in IGNORED | REFUSED:
            left_out.append(f"{name} (line {number})")
        elif name:
            raise ConfigError(f"{where}: there is no setting '{name}'")
    if left_out:
        warnings.append(f"{path}: these have no counterpart here and are left out: {', '.join(left_out)}")


# A word of a redis.conf: in double quotes with escapes, in single quotes, or bare. What follows a quote is a blank.
WORD = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"']\S*))(?=\s|$)""")
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)")
ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "a": "\a"}


def split_line(line: str, where: str) -> list[str]:
    """The words of one line; none for a blank line or a comment."""
    line = line.strip()
    if line.startswith("#"):
        return []
    words, at = [], 0
    while at < len(line):
        found = WORD.match(line, at)
        if found is None:
            raise ConfigError(f"{where}: the quotes do not match")
        double, single, bare = found.groups()
        if double is not None:
            words.append(ESCAPE.sub(unescape, double))
        else:
            words.append(bare if single is None else single.replace("\\'", "'"))
        at = found.end()
    return words


def unescape(found: re.Match[str]) -> str:
    code = found[1]
    return chr(int(code[1:], 16)) if len(code) == 3 else ESCAPED.get(code, code)
