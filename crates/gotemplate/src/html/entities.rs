//! Character references in attribute values of the template text. They are decoded only to follow the
//! context, so the references that matter are those for signs; unknown ones stay as they are.

const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("AMP", '&'),
    ("apos", '\''),
    ("ast", '*'),
    ("bsol", '\\'),
    ("colon", ':'),
    ("comma", ','),
    ("commat", '@'),
    ("dollar", '$'),
    ("equals", '='),
    ("excl", '!'),
    ("grave", '`'),
    ("gt", '>'),
    ("GT", '>'),
    ("Hat", '^'),
    ("lbrace", '{'),
    ("lbrack", '['),
    ("lcub", '{'),
    ("lowbar", '_'),
    ("lpar", '('),
    ("lsqb", '['),
    ("lt", '<'),
    ("LT", '<'),
    ("nbsp", '\u{a0}'),
    ("NewLine", '\n'),
    ("num", '#'),
    ("percnt", '%'),
    ("period", '.'),
    ("plus", '+'),
    ("quest", '?'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("rbrace", '}'),
    ("rbrack", ']'),
    ("rcub", '}'),
    ("rpar", ')'),
    ("rsqb", ']'),
    ("semi", ';'),
    ("sol", '/'),
    ("Tab", '\t'),
    ("verbar", '|'),
    ("vert", '|'),
];

/// The few that count without a semicolon.
const BARE: &[&str] = &["amp", "AMP", "gt", "GT", "lt", "LT", "quot", "QUOT", "nbsp"];

pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(rest.get(..at).unwrap_or(""));
        rest = rest.get(at..).unwrap_or("");
        match reference(rest.get(1..).unwrap_or("")) {
            Some((c, length)) => {
                out.push(c);
                rest = rest.get(1 + length..).unwrap_or("");
            }
            None => {
                out.push('&');
                rest = rest.get(1..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    out
}

/// The character and the length of a reference after its `&`.
fn reference(text: &str) -> Option<(char, usize)> {
    if let Some(number) = text.strip_prefix('#') {
        let (radix, digits, prefix) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (16, hex, 2),
            None => (10, number, 1),
        };
        let count = digits.chars().take_while(|c| c.is_digit(radix)).count();
        let code = u32::from_str_radix(digits.get(..count)?, radix).ok()?;
        let c = char::from_u32(code)
            .filter(|c| *c != '\0')
            .unwrap_or(char::REPLACEMENT_CHARACTER);
        let semicolon = usize::from(digits.get(count..)?.starts_with(';'));
        return Some((c, prefix + count + semicolon));
    }
    let named = NAMED.iter().find_map(|(name, c)| {
        let rest = text.strip_prefix(name)?;
        rest.starts_with(';').then_some((*c, name.len() + 1))
    });
    named.or_else(|| {
        let name = BARE.iter().find(|name| text.starts_with(**name))?;
        let (_, c) = NAMED.iter().find(|(known, _)| known == name)?;
        Some((*c, name.len()))
    })
}
