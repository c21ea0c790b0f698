//! What typed readers are made of: scalars, lists and maps.

use std::collections::BTreeMap;

use crate::node::{Kind, Node};
use crate::reading::{CODE_DUPLICATE, Reading};
use crate::resolve::Resolved;
use crate::value::Value;

/// A type that can be read from a node.
///
/// Readers report what is wrong and return `None` if there is nothing to go on with. They are not
/// asked for nulls: an explicit null gives `Default::default()`, as in the peers.
pub trait FromYaml: Sized + Default {
    fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self>;

    /// The name that the peers' messages use for the type.
    fn go_type() -> String;

    /// Reads a node that may be null.
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        if node.is_null() {
            Some(Self::default())
        } else {
            Self::from_yaml(node, reading)
        }
    }
}

/// The typed value of a scalar; reports `!!binary` that is not base64 and anything that is no scalar.
fn resolve(node: &Node, go_type: &str, reading: &mut Reading) -> Option<Resolved> {
    let Kind::Scalar(scalar) = &node.kind else {
        reading.wrong_type(node, go_type);
        return None;
    };
    match scalar.resolve() {
        Ok(resolved) => Some(resolved),
        Err(problem) => {
            let hint = "base64 with padding, or leave `!!binary` out";
            reading.refuse_with_hint(
                node.span,
                "yaml-bad-binary",
                format!("yaml: {problem}"),
                hint,
            );
            None
        }
    }
}

impl FromYaml for String {
    /// Numbers, booleans and dates keep the text they were written with.
    fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
        let resolved = resolve(node, "string", reading)?;
        if let Resolved::Binary(bytes) = resolved {
            let text = Self::from_utf8(bytes);
            if text.is_err() {
                reading.refuse(
                    node.span,
                    "yaml-bad-binary",
                    "!!binary value is not valid UTF-8",
                );
            }
            return text.ok();
        }
        node.text().map(str::to_owned)
    }

    fn go_type() -> String {
        "string".to_owned()
    }
}

impl FromYaml for bool {
    fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
        match resolve(node, "bool", reading)? {
            Resolved::Bool(value) => Some(value),
            _ => {
                reading.wrong_type(node, "bool");
                None
            }
        }
    }

    fn go_type() -> String {
        "bool".to_owned()
    }
}

macro_rules! whole_number {
    ($rust:ty, $go:literal) => {
        impl FromYaml for $rust {
            fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
                let number = match resolve(node, $go, reading)? {
                    Resolved::Int(number) => Self::try_from(number).ok(),
                    Resolved::Uint(number) => Self::try_from(number).ok(),
                    // The peers cut a fraction off; the cast saturates, out of range is refused.
                    Resolved::Float(number) if number.abs() < 9.2e18 => {
                        Self::try_from(number as i64).ok()
                    }
                    _ => None,
                };
                if number.is_none() {
                    reading.wrong_type(node, $go);
                }
                number
            }

            fn go_type() -> String {
                $go.to_owned()
            }
        }
    };
}

// Go's `int` and `uint` are 64 bits wide where the peers run; messages name them apart.
whole_number!(isize, "int");
whole_number!(i64, "int64");
whole_number!(i32, "int32");
whole_number!(usize, "uint");
whole_number!(u64, "uint64");
whole_number!(u32, "uint32");

/// A float that is compared by its bits, so that configurations can be compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Float(pub f64);

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Float {}

impl FromYaml for Float {
    fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
        f64::from_yaml(node, reading).map(Self)
    }

    fn go_type() -> String {
        f64::go_type()
    }
}

impl FromYaml for f64 {
    fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
        match resolve(node, "float64", reading)? {
            Resolved::Float(number) => Some(number),
            Resolved::Int(number) => Some(number as Self),
            Resolved::Uint(number) => Some(number as Self),
            _ => {
                reading.wrong_type(node, "float64");
                None
            }
        }
    }

    fn go_type() -> String {
        "float64".to_owned()
    }
}

/// Absent and null are both `None`.
impl<T: FromYaml> FromYaml for Option<T> {
    fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
        T::from_yaml(node, reading).map(Some)
    }

    fn go_type() -> String {
        T::go_type()
    }
}

impl<T: FromYaml> FromYaml for Box<T> {
    fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
        T::from_yaml(node, reading).map(Self::new)
    }

    fn go_type() -> String {
        T::go_type()
    }
}

/// The items of a list; those that `read` cannot read are left out.
pub fn read_list<T>(
    node: &Node,
    go_type: &str,
    reading: &mut Reading,
    mut read: impl FnMut(&Node, &mut Reading) -> Option<T>,
) -> Option<Vec<T>> {
    let Kind::Sequence(items) = &node.kind else {
        reading.wrong_type(node, go_type);
        return None;
    };
    Some(
        items
            .iter()
            .filter_map(|item| read(item, reading))
            .collect(),
    )
}

/// The entries of a map whose keys are data. A key given twice is reported, the last one counts.
pub fn read_map<T>(
    node: &Node,
    go_type: &str,
    reading: &mut Reading,
    mut read: impl FnMut(&Node, &mut Reading) -> Option<T>,
) -> Option<BTreeMap<String, T>> {
    let Kind::Mapping(entries) = &node.kind else {
        reading.wrong_type(node, go_type);
        return None;
    };
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        let Some(name) = String::read(key, reading) else {
            continue;
        };
        let Some(value) = read(value, reading) else {
            continue;
        };
        if map.contains_key(&name) {
            let message = format!("key {name:?} already set in map");
            let diagnostic = diag::Diagnostic::error(CODE_DUPLICATE, message)
                .at(reading.source(), key.span)
                .hint("remove one of the two");
            reading.report(key.span, diagnostic);
        }
        map.insert(name, value);
    }
    Some(map)
}

impl<T: FromYaml> FromYaml for Vec<T> {
    fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
        read_list(node, &Self::go_type(), reading, T::read)
    }

    fn go_type() -> String {
        format!("[]{}", T::go_type())
    }
}

impl<T: FromYaml> FromYaml for BTreeMap<String, T> {
    fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
        read_map(node, &Self::go_type(), reading, T::read)
    }

    fn go_type() -> String {
        format!("map[string]{}", T::go_type())
    }
}

/// Anything; duplicates of a key are reported.
impl FromYaml for Value {
    fn from_yaml(node: &Node, reading: &mut Reading) -> Option<Self> {
        Self::check_duplicates(node, reading);
        Some(Self::from_node(node))
    }

    fn go_type() -> String {
        "interface {}".to_owned()
    }
}
