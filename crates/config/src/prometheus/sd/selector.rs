//! Syntax of Kubernetes' field and label selectors.

/// What is wrong with a field selector (`a=b,c!=d`), in the words of the Kubernetes client.
pub(super) fn field_problem(text: &str) -> Option<String> {
    text.split(',')
        .map(str::trim)
        .filter(|term| !term.is_empty())
        .find_map(|term| {
            let is_term = term.contains('=');
            (!is_term).then(|| format!("invalid selector: '{text}'; can't understand '{term}'"))
        })
}

/// What is wrong with a label selector (`a=b,c in (d,e),!f`).
pub(super) fn label_problem(text: &str) -> Option<String> {
    let refuse = |what: &str| Some(format!("unable to parse requirement: {what}"));
    let mut rest = text.trim();
    while !rest.is_empty() {
        // Commas within parentheses belong to the term.
        let mut depth = 0_usize;
        let end = rest.find(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        });
        let (term, tail) = match end {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        if let Some(what) = term_problem(term.trim()) {
            return refuse(&what);
        }
        rest = tail.trim();
    }
    None
}

fn term_problem(term: &str) -> Option<String> {
    let key_end = term
        .find([' ', '=', '!', '<', '>', '('])
        .unwrap_or(term.len());
    let (key, rest) = match term.strip_prefix('!') {
        Some(key) => (key.trim(), ""),
        None => (&term[..key_end], term[key_end..].trim()),
    };
    if key.is_empty() {
        return Some(format!("found '{term}', expected: identifier"));
    }
    let is_key = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !key.chars().all(is_key) {
        return Some(format!(
            "name part must consist of alphanumeric characters, '-', '_' or '.': '{key}'"
        ));
    }
    let set = rest
        .strip_prefix("notin")
        .or_else(|| rest.strip_prefix("in"));
    let is_fine = match set.map(str::trim) {
        Some(set) => set.starts_with('(') && set.ends_with(')'),
        None if rest.is_empty() => true,
        None => ["!=", "==", "=", "<", ">"]
            .iter()
            .any(|op| rest.starts_with(op)),
    };
    (!is_fine).then(|| format!("found '{rest}', expected: in, notin, =, ==, !=, <, >"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_understood() {
        for good in ["", "a=b", "foo in (bar,baz)", "a!=b, !c, d", "x notin (y)"] {
            assert_eq!(label_problem(good), None, "{good}");
        }
        assert!(label_problem("foo in bar").is_some());
        assert!(label_problem("=b").is_some());
        assert_eq!(field_problem("metadata.name=x,a!=b"), None);
        assert_eq!(
            field_problem("a-b").unwrap(),
            "invalid selector: 'a-b'; can't understand 'a-b'"
        );
    }
}
