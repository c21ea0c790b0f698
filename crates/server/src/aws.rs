//! Credentials for AWS, from the configuration or from the environment as AWS' own libraries read it.

use config::SigV4;
use model::Clock;
use net::Authorization;

use crate::clock::SystemClock;

/// Who signs. `variable` reads the environment; empty variables are not there.
pub(crate) fn signer(
    service: &str,
    options: &SigV4,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<net::sigv4::SigV4, String> {
    for (key, text) in [
        ("profile", &options.profile),
        ("role_arn", &options.role_arn),
    ] {
        if !text.is_empty() {
            return Err(format!(
                "sigv4: `{key}` is not built yet; use `access_key` and `secret_key`, or the environment"
            ));
        }
    }
    let variable = |name: &str| variable(name).filter(|text| !text.is_empty());
    let region = Some(options.region.clone())
        .filter(|region| !region.is_empty())
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .ok_or("sigv4: no region; give `region` or set AWS_REGION")?;
    let (access_key, secret_key, session_token) = if options.access_key.is_empty() {
        let missing = "sigv4: no credentials; give `access_key` and `secret_key`, or set \
                       AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        (
            variable("AWS_ACCESS_KEY_ID").ok_or(missing)?,
            variable("AWS_SECRET_ACCESS_KEY").ok_or(missing)?,
            variable("AWS_SESSION_TOKEN"),
        )
    } else {
        let secret = options.secret_key.expose().to_owned();
        (options.access_key.clone(), secret, None)
    };
    Ok(net::sigv4::SigV4 {
        region,
        service: service.to_owned(),
        access_key,
        secret_key,
        session_token,
    })
}

/// Signs with the time of this machine.
pub(crate) fn authorization(signer: net::sigv4::SigV4) -> Authorization {
    Authorization::Aws {
        signer,
        clock: || SystemClock.now().millis() / 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(options: &SigV4, environment: &[(&str, &str)]) -> Result<net::sigv4::SigV4, String> {
        signer("sns", options, &|name| {
            let found = environment.iter().find(|(own, _)| *own == name);
            found.map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn the_configuration_wins_and_the_environment_fills_in() {
        let all = [
            ("AWS_REGION", "eu"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("AWS_SESSION_TOKEN", "token"),
        ];
        let signer = from(&SigV4::default(), &all).unwrap();
        assert_eq!(
            (signer.region.as_str(), signer.access_key.as_str()),
            ("eu", "id")
        );
        assert_eq!(signer.session_token.as_deref(), Some("token"));
        let own = SigV4 {
            region: "us".to_owned(),
            access_key: "mine".to_owned(),
            secret_key: config::Secret::new("s"),
            ..SigV4::default()
        };
        let signer = from(&own, &all).unwrap();
        assert_eq!(
            (signer.region.as_str(), signer.access_key.as_str()),
            ("us", "mine")
        );
        assert_eq!(signer.session_token, None);
    }

    #[test]
    fn says_what_is_missing() {
        let region = [("AWS_REGION", "eu"), ("AWS_ACCESS_KEY_ID", "")];
        assert!(
            from(&SigV4::default(), &[])
                .unwrap_err()
                .contains("no region")
        );
        assert!(
            from(&SigV4::default(), &region)
                .unwrap_err()
                .contains("no credentials")
        );
        let role = SigV4 {
            role_arn: "arn".to_owned(),
            ..SigV4::default()
        };
        assert!(
            from(&role, &region)
                .unwrap_err()
                .contains("`role_arn` is not built")
        );
    }
}
