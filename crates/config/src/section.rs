//! What sections of a configuration are made of: fields that are read, printed and may hold paths.

use std::collections::BTreeMap;

use model::Duration;
use yaml::{FromYaml, MapReader, Mapping, Node, Reading, Value};

/// A value in a section.
pub(crate) trait Field: Sized + Default {
    /// Reads a node that is not null.
    fn read(node: &Node, reading: &mut Reading) -> Option<Self>;

    /// The peers' name of the type, for messages.
    fn go_type() -> String;

    /// The peers' name of the type as one of a list: what reads it may have another name.
    fn go_item() -> String {
        Self::go_type()
    }

    /// The peers' name of a mapping to such values.
    fn go_map() -> String {
        format!("map[string]{}", Self::go_item())
    }

    /// The peers' name of a mapping to lists of such values.
    fn go_map_of_lists() -> String {
        format!("map[string][]{}", Self::go_item())
    }

    fn to_value(&self) -> Value;

    /// Shows every path of a file in the value, to resolve it against the configuration's folder.
    fn visit_paths(&mut self, _visit: &mut dyn FnMut(&mut String)) {}

    /// Reads a node; null is the default.
    fn read_or_null(node: &Node, reading: &mut Reading) -> Option<Self> {
        if node.is_null() {
            Some(Self::default())
        } else {
            Self::read(node, reading)
        }
    }
}

/// A mapping with known keys. [`section!`] writes the implementation from the list of fields.
pub(crate) trait Section: Default {
    /// The peers' name of the type, for messages.
    const GO_TYPE: &'static str;

    fn read_fields(&mut self, map: &mut MapReader<'_, '_>);

    fn write_fields(&self, out: &mut Mapping);

    fn visit_section_paths(&mut self, visit: &mut dyn FnMut(&mut String));

    /// Validates what was read; called only if everything in the section could be read.
    fn check(&mut self, map: &mut MapReader<'_, '_>);
}

/// Reads a section: its fields, then unknown keys, then validation.
pub(crate) fn read_section<T: Section>(node: &Node, reading: &mut Reading) -> Option<T> {
    let mark = reading.mark();
    let mut section = T::default();
    let mut map = MapReader::new(node, T::GO_TYPE, reading)?;
    section.read_fields(&mut map);
    map.report_unknown();
    if map.reading().is_clean_since(mark) {
        section.check(&mut map);
    }
    Some(section)
}

pub(crate) fn write_section<T: Section>(section: &T) -> Value {
    let mut out = Mapping::new();
    section.write_fields(&mut out);
    out.into()
}

pub(crate) fn read_field<T: Field>(map: &mut MapReader<'_, '_>, key: &'static str, into: &mut T) {
    map.field_with(key, into, T::read);
}

/// Declares a section: a struct with its defaults, reading and printing, all from one list.
///
/// ```text
/// section! {
///     /// Doc.
///     pub struct Dns: "dns.plain", checked {
///         ["names"] pub names: Vec<String>,
///         ["port", omit] pub port: u64 = 80,
///         [inline] pub http: HttpClient,
///     }
/// }
/// ```
///
/// `as "*dns.SDConfig"` behind the type's name in messages is its name as one of a list.
///
/// `omit` leaves the field out of the printed form while it is zero or empty, `hidden` always. With
/// `checked` the type has a method `validate(&mut self, &mut MapReader)` of its own.
macro_rules! section {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident: $go:literal $(as $item:literal)? $(, $checked:ident)? {
            $( $(#[$field_meta:meta])* [$($spec:tt)*] $field_vis:vis $field:ident: $ty:ty $(= $default:expr)?, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $( $(#[$field_meta])* $field_vis $field: $ty, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: section!(@default $($default)?), )* }
            }
        }

        impl $crate::section::Section for $name {
            const GO_TYPE: &'static str = $go;

            #[allow(unused_variables, reason = "sections without keys")]
            fn read_fields(&mut self, map: &mut yaml::MapReader<'_, '_>) {
                $( section!(@read self, map, $field, $($spec)*); )*
            }

            #[allow(unused_variables, reason = "sections without printed keys")]
            fn write_fields(&self, out: &mut yaml::Mapping) {
                $( section!(@write self, out, $field, $($spec)*); )*
            }

            #[allow(unused_variables, reason = "sections without keys")]
            fn visit_section_paths(&mut self, visit: &mut dyn FnMut(&mut String)) {
                $( section!(@paths self, visit, $field, $($spec)*); )*
            }

            #[allow(unused_variables, reason = "sections without validation")]
            fn check(&mut self, map: &mut yaml::MapReader<'_, '_>) {
                $( section!(@check self, map, $checked); )?
            }
        }

        impl $crate::section::Field for $name {
            fn read(node: &yaml::Node, reading: &mut yaml::Reading) -> Option<Self> {
                $crate::section::read_section(node, reading)
            }

            fn go_type() -> String {
                $go.to_owned()
            }

            $( section!(@item $item); )?

            fn to_value(&self) -> yaml::Value {
                $crate::section::write_section(self)
            }

            fn visit_paths(&mut self, visit: &mut dyn FnMut(&mut String)) {
                $crate::section::Section::visit_section_paths(self, visit);
            }

            $( section!(@null $checked); )?
        }
    };
    (@item $item:literal) => {
        fn go_item() -> String {
            $item.to_owned()
        }
    };
    // A null in a list of sections is a section without keys: what is required is missed there too.
    (@null checked) => {
        fn read_or_null(node: &yaml::Node, reading: &mut yaml::Reading) -> Option<Self> {
            if !node.is_null() {
                return $crate::section::read_section(node, reading);
            }
            let empty = yaml::Node { span: node.span, kind: yaml::Kind::Mapping(Vec::new()) };
            $crate::section::read_section(&empty, reading)
        }
    };
    (@default $default:expr) => { $default };
    (@default) => { Default::default() };
    (@check $self:ident, $map:ident, checked) => { $self.validate($map) };
    (@read $self:ident, $map:ident, $field:ident, inline) => {
        $crate::section::Section::read_fields(&mut $self.$field, $map)
    };
    (@read $self:ident, $map:ident, $field:ident, skip) => {};
    (@read $self:ident, $map:ident, $field:ident, place) => { $self.$field = $crate::Place($map.node().span) };
    (@read $self:ident, $map:ident, $field:ident, $key:literal $($rest:tt)*) => {
        $crate::section::read_field($map, $key, &mut $self.$field)
    };
    (@write $self:ident, $out:ident, $field:ident, inline) => {
        $crate::section::Section::write_fields(&$self.$field, $out)
    };
    (@write $self:ident, $out:ident, $field:ident, skip) => {};
    (@write $self:ident, $out:ident, $field:ident, place) => {};
    (@write $self:ident, $out:ident, $field:ident, $key:literal, hidden) => {};
    (@write $self:ident, $out:ident, $field:ident, $key:literal, omit) => {
        $out.put_unless_empty($key, $crate::section::Field::to_value(&$self.$field))
    };
    (@write $self:ident, $out:ident, $field:ident, $key:literal, some) => {
        if $self.$field.is_some() {
            $out.put($key, $crate::section::Field::to_value(&$self.$field));
        }
    };
    (@write $self:ident, $out:ident, $field:ident, $key:literal, some_items) => {
        if $self.$field.is_some() {
            $out.put_unless_empty($key, $crate::section::Field::to_value(&$self.$field));
        }
    };
    (@write $self:ident, $out:ident, $field:ident, $key:literal, unless_default) => {
        if $self.$field != Default::default() {
            $out.put($key, $crate::section::Field::to_value(&$self.$field));
        }
    };
    (@write $self:ident, $out:ident, $field:ident, $key:literal) => {
        $out.put($key, $crate::section::Field::to_value(&$self.$field))
    };
    (@paths $self:ident, $visit:ident, $field:ident, inline) => {
        $crate::section::Section::visit_section_paths(&mut $self.$field, $visit)
    };
    (@paths $self:ident, $visit:ident, $field:ident, skip) => {};
    (@paths $self:ident, $visit:ident, $field:ident, place) => {};
    (@paths $self:ident, $visit:ident, $field:ident, $key:literal $($rest:tt)*) => {
        $crate::section::Field::visit_paths(&mut $self.$field, $visit)
    };
}

macro_rules! plain_field {
    ($($ty:ty),*) => {$(
        impl Field for $ty {
            fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
                Self::from_yaml(node, reading)
            }

            fn go_type() -> String {
                <Self as FromYaml>::go_type()
            }

            fn to_value(&self) -> Value {
                self.clone().into()
            }
        }
    )*};
}

plain_field!(String, bool, isize, i64, i32, usize, u64, u32, f64, Value);

/// An enumeration that is written as one of a few words; the third argument makes the sentence about another word.
macro_rules! words {
    ($name:ident, $code:literal, $problem:expr, { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $name {
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }
        }

        impl $crate::section::Field for $name {
            fn read(node: &yaml::Node, reading: &mut yaml::Reading) -> Option<Self> {
                let text = <String as $crate::section::Field>::read(node, reading)?;
                match text.as_str() {
                    $( $word => Some(Self::$variant), )*
                    other => {
                        let words = [$($word),*];
                        let hint = match diag::did_you_mean(other, words) {
                            Some(known) => format!("did you mean `{known}`?"),
                            None => format!("one of {}", words.join(", ")),
                        };
                        let message = $problem(other);
                        reading.refuse_with_hint(node.span, $code, message, hint);
                        None
                    }
                }
            }

            fn go_type() -> String {
                "string".to_owned()
            }

            fn to_value(&self) -> yaml::Value {
                self.as_str().into()
            }
        }
    };
}

impl Field for Duration {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let text = String::from_yaml(node, reading)?;
        match Self::parse(&text) {
            Ok(duration) => Some(duration),
            Err(problem) => {
                let hint = "a number and a unit, as in `30s`, `5m`, `1h30m`, `15d`";
                reading.refuse_with_hint(node.span, "bad-duration", problem.to_string(), hint);
                None
            }
        }
    }

    fn go_type() -> String {
        "model.Duration".to_owned()
    }

    /// Zero prints as `0s`; where zero is left out the field is an option.
    fn to_value(&self) -> Value {
        self.to_string().into()
    }
}

impl<T: Field> Field for Option<T> {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        T::read(node, reading).map(Some)
    }

    fn go_type() -> String {
        T::go_type()
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn visit_paths(&mut self, visit: &mut dyn FnMut(&mut String)) {
        if let Some(value) = self {
            value.visit_paths(visit);
        }
    }
}

impl<T: Field> Field for Box<T> {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        T::read(node, reading).map(Self::new)
    }

    fn go_type() -> String {
        T::go_type()
    }

    fn to_value(&self) -> Value {
        (**self).to_value()
    }

    fn visit_paths(&mut self, visit: &mut dyn FnMut(&mut String)) {
        (**self).visit_paths(visit);
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        yaml::read_list(node, &Self::go_type(), reading, T::read_or_null)
    }

    fn go_type() -> String {
        format!("[]{}", T::go_item())
    }

    fn go_map() -> String {
        T::go_map_of_lists()
    }

    fn to_value(&self) -> Value {
        Value::Sequence(self.iter().map(T::to_value).collect())
    }

    fn visit_paths(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.iter_mut().for_each(|item| item.visit_paths(visit));
    }
}

impl<T: Field> Field for BTreeMap<String, T> {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        yaml::read_map(node, &Self::go_type(), reading, T::read_or_null)
    }

    fn go_type() -> String {
        T::go_map()
    }

    fn to_value(&self) -> Value {
        Value::sorted_map(
            self.iter()
                .map(|(key, value)| (key.clone(), value.to_value())),
        )
    }

    fn visit_paths(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.values_mut().for_each(|value| value.visit_paths(visit));
    }
}
