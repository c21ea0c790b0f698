//! Credentials for AWS, from the configuration, the environment or the shared files, as AWS' own libraries read them; and
//! roles that lend some.

mod profile;
#[cfg(test)]
mod tests;

use config::SigV4;
use model::Clock;
use net::sts::Role;
use net::{Authorization, HttpClient, Overrides};

use self::profile::{Keys, Profile, Variable};
use crate::clock::SystemClock;
use crate::{http_client, proxy};

/// How a role that is assumed is called in AWS' logs.
const SESSION_NAME: &str = "keepwatch";

/// A client that signs its requests for a service, and the region that it signs for.
pub(crate) fn client(
    service: &str,
    signing: &SigV4,
    http: &config::http::HttpClient,
    overrides: &Overrides,
) -> Result<(HttpClient, String), String> {
    let (signer, role) = signer(service, signing, &|name| std::env::var(name).ok())?;
    let region = signer.region.clone();
    let mut options = http_client::client_options(http, overrides)?;
    // With the time of this machine.
    options.authorization = Some(Authorization::Aws {
        signer,
        clock: || SystemClock.now().millis() / 1000,
        role: role.map(Box::new),
    });
    let client = HttpClient::new(options).map_err(|error| error.to_string())?;
    Ok((client, region))
}

/// Who signs, and the role whose credentials count instead of the signer's.
fn signer(
    service: &str,
    options: &SigV4,
    variable: Variable<'_>,
) -> Result<(net::sigv4::SigV4, Option<Role>), String> {
    let variable = |name: &str| variable(name).filter(|text| !text.is_empty());
    let profile = profile(options, &variable)?;
    let region = Some(options.region.clone())
        .filter(|region| !region.is_empty())
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .or_else(|| Some(profile.as_ref()?.get("region")?.to_owned()))
        .ok_or("sigv4: no region; give `region` or set AWS_REGION")?;
    let mut role_arn = options.role_arn.clone();
    let mut external_id = options.external_id.clone();
    let mut session_name = SESSION_NAME.to_owned();
    let keys = match keys(options, profile.as_ref(), &variable) {
        Some(keys) => keys,
        None => {
            let profile = profile.ok_or(
                "sigv4: no credentials; give `access_key` and `secret_key` or `profile`, or set \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            )?;
            let (arn, keys) = role_of(&profile, &variable)?;
            if !role_arn.is_empty() {
                return Err(format!(
                    "sigv4: profile {:?} has a role of its own, and roles that lead to others are not built yet: \
                     remove `role_arn`, or name a profile with keys",
                    profile.name
                ));
            }
            role_arn = arn;
            let own = |name: &str| profile.get(name).map(str::to_owned);
            external_id = own("external_id").unwrap_or_default();
            session_name = own("role_session_name").unwrap_or(session_name);
            keys
        }
    };
    let signer = net::sigv4::SigV4 {
        region,
        service: service.to_owned(),
        access_key: keys.access_key,
        secret_key: keys.secret_key,
        session_token: keys.session_token,
    };
    if role_arn.is_empty() {
        return Ok((signer, None));
    }
    let url = variable("AWS_ENDPOINT_URL_STS").or_else(|| variable("AWS_ENDPOINT_URL"));
    let role = Role {
        arn: role_arn,
        external_id,
        session_name,
        url: url.unwrap_or_else(|| sts_url(&signer.region, options.use_fips_sts_endpoint)),
        // As the peers' library, which is not told of the receiver's own.
        proxy: proxy::options(
            &config::http::Proxy {
                from_environment: true,
                ..config::http::Proxy::default()
            },
            &variable,
        )?,
        asker: net::sigv4::SigV4 {
            service: "sts".to_owned(),
            ..signer.clone()
        },
    };
    Ok((signer, Some(role)))
}

/// The profile that is named, which must be there, or else the usual one.
fn profile(options: &SigV4, variable: Variable<'_>) -> Result<Option<Profile>, String> {
    if !options.access_key.is_empty() {
        return Ok(None);
    }
    if options.profile.is_empty() {
        let name = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        return Profile::read(&name, variable);
    }
    let found = Profile::read(&options.profile, variable)?;
    let missing = || {
        format!(
            "sigv4: there is no profile {:?} in ~/.aws/credentials or ~/.aws/config, or where \
             AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE say",
            options.profile
        )
    };
    found.map(Some).ok_or_else(missing)
}

/// Those of the configuration; of the profile that it names; of the environment; of the usual profile.
fn keys(options: &SigV4, profile: Option<&Profile>, variable: Variable<'_>) -> Option<Keys> {
    if !options.access_key.is_empty() {
        return Some(Keys {
            access_key: options.access_key.clone(),
            secret_key: options.secret_key.expose().to_owned(),
            session_token: None,
        });
    }
    let of_profile = || profile.and_then(Profile::keys);
    if !options.profile.is_empty() {
        return of_profile();
    }
    environment(variable).or_else(of_profile)
}

fn environment(variable: Variable<'_>) -> Option<Keys> {
    Some(Keys {
        access_key: variable("AWS_ACCESS_KEY_ID")?,
        secret_key: variable("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
    })
}

/// The role of a profile without keys, and the keys of who may assume it.
fn role_of(profile: &Profile, variable: Variable<'_>) -> Result<(String, Keys), String> {
    let refuse = |problem: &str| format!("sigv4: profile {:?}: {problem}", profile.name);
    let Some(arn) = profile.get("role_arn") else {
        let problem = "it has neither aws_access_key_id and aws_secret_access_key nor role_arn; other ways to \
                       credentials are not built yet";
        return Err(refuse(problem));
    };
    let keys = match (
        profile.get("source_profile"),
        profile.get("credential_source"),
    ) {
        (Some(source), _) => Profile::read(source, variable)?.and_then(|source| source.keys()),
        (None, Some("Environment")) => environment(variable),
        _ => None,
    };
    let problem = "its role needs a source_profile with aws_access_key_id and aws_secret_access_key, or \
                   credential_source = Environment with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set";
    Ok((arn.to_owned(), keys.ok_or_else(|| refuse(problem))?))
}

fn sts_url(region: &str, is_fips: bool) -> String {
    let name = if is_fips { "sts-fips" } else { "sts" };
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    format!("https://{name}.{region}.{domain}/")
}
