//! Lists of addresses (RFC 5322), as far as people write them into a configuration.

/// `Name <a@b>, c@d` as `a@b` and `c@d`. Names may be quoted, and may hold any characters.
pub(super) fn list(text: &str) -> Result<Vec<String>, String> {
    let mut addresses = Vec::new();
    for entry in entries(text)? {
        addresses.push(address(&entry)?);
    }
    if addresses.is_empty() {
        return Err("no address".to_owned());
    }
    Ok(addresses)
}

/// The parts between commas that stand outside of quotes and angle brackets, without comments.
fn entries(text: &str) -> Result<Vec<String>, String> {
    let mut entries = vec![String::new()];
    let mut is_quoted = false;
    let mut is_angled = false;
    let mut comments = 0_usize;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let is_plain = !is_quoted && comments == 0;
        match character {
            '\\' if !is_plain => {
                characters.next();
                continue;
            }
            '"' if comments == 0 => is_quoted = !is_quoted,
            '(' if !is_quoted => comments += 1,
            ')' if !is_quoted && comments > 0 => {
                comments -= 1;
                continue;
            }
            '<' if is_plain => is_angled = true,
            '>' if is_plain => is_angled = false,
            ',' if is_plain && !is_angled => {
                entries.push(String::new());
                continue;
            }
            _ => {}
        }
        // What is quoted is part of a name, and names are not needed.
        if comments == 0
            && !is_quoted
            && character != '"'
            && let Some(entry) = entries.last_mut()
        {
            entry.push(character);
        }
    }
    if is_quoted || is_angled || comments > 0 {
        return Err(format!(
            "{text:?} has a quote, an angle bracket or a comment that does not end"
        ));
    }
    entries.retain(|entry| !entry.trim().is_empty());
    Ok(entries)
}

fn address(entry: &str) -> Result<String, String> {
    let address = match entry.split_once('<') {
        Some((_, rest)) => rest
            .trim_end()
            .strip_suffix('>')
            .ok_or_else(|| format!("{entry:?} goes on behind the angle bracket"))?,
        None => entry,
    };
    let address = address.trim();
    let is_fit = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[]:;,\\\"".contains(c);
    let halves = address.rsplit_once('@');
    let is_address = halves.is_some_and(|(local, domain)| {
        let domain_inside = domain
            .strip_prefix('[')
            .and_then(|literal| literal.strip_suffix(']'));
        let is_domain = match domain_inside {
            Some(literal) => literal
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == ':'),
            None => domain.chars().all(is_fit),
        };
        !local.is_empty()
            && !domain.is_empty()
            && !local.contains('@')
            && local.chars().all(is_fit)
            && is_domain
    });
    if !is_address {
        return Err(format!("{address:?} is no address"));
    }
    Ok(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let cases: [(&str, &[&str]); 6] = [
            ("a@b", &["a@b"]),
            ("a@b, Bé <c@d>", &["a@b", "c@d"]),
            ("\"Last, First \\\" x\" <e@f>,g@h,", &["e@f", "g@h"]),
            ("(a, comment) i@j", &["i@j"]),
            ("x+y.z@[127.0.0.1]", &["x+y.z@[127.0.0.1]"]),
            ("ü@münchen.example", &["ü@münchen.example"]),
        ];
        for (text, expected) in cases {
            assert_eq!(list(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_address() {
        let cases = [
            "",
            "a",
            "a@",
            "@b",
            "a b@c",
            "<a@b",
            "a@b> RCPT TO:<c@d",
            "<a@b\r\nRCPT TO:c@d>",
            "\"a@b",
            "<a@b> c",
            "a@b@c",
        ];
        for text in cases {
            assert!(list(text).is_err(), "{text:?} is {:?}", list(text));
        }
    }
}
