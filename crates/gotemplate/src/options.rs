//! Choices and limits of an execution.

/// What `.x` gives for a map without `x`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value: prints `<no value>`.
    Invalid,
    /// The zero value of the map's element type. Prometheus and Alertmanager use this.
    #[default]
    Zero,
    /// Execution fails.
    Error,
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    pub missing_key: MissingKey,
    pub limits: Limits,
}

/// Bounds on what one execution may use, nested executions included.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Length of the output and of every string on the way.
    pub output_bytes_max: usize,
    /// Actions, pipelines and loop iterations.
    pub steps_max: usize,
    /// Nesting of templates, control structures and parentheses while executing.
    pub depth_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            output_bytes_max: 16 << 20,
            steps_max: 1_000_000,
            depth_max: 250,
        }
    }
}

impl Options {
    /// Applies Go option strings such as `missingkey=error`.
    pub fn apply(&mut self, option: &str) -> Result<(), String> {
        self.missing_key = match option {
            "missingkey=default" | "missingkey=invalid" => MissingKey::Invalid,
            "missingkey=zero" => MissingKey::Zero,
            "missingkey=error" => MissingKey::Error,
            _ => return Err(format!("unrecognized option: {option}")),
        };
        Ok(())
    }
}
