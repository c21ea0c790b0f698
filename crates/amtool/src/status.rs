//! `config show` and `cluster show`.

use promtool::Console;

use crate::api::Api;
use crate::failure::Failure;
use crate::format::Formatter;

/// Shows the configuration in force.
pub fn config(
    console: &mut Console<'_>,
    api: &Api,
    formatter: &Formatter<'_>,
) -> Result<(), Failure> {
    let status = api.status()?;
    console.print(formatter.config(&status));
    Ok(())
}

/// Shows the mesh that the server is a member of.
pub fn cluster(
    console: &mut Console<'_>,
    api: &Api,
    formatter: &Formatter<'_>,
) -> Result<(), Failure> {
    let status = api.status()?;
    console.print(formatter.cluster(&status.cluster));
    Ok(())
}
