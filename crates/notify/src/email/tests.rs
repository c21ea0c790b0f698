//! Composed mails.

use alerting::{Outcome, Retry};

use crate::testing::{Line, delivery};

const MAIL: &str = "to: 'a@b, Bé <c@d>', from: 'Me <me@x>', smarthost: 'h:25', require_tls: false, \
                    text: 'plain', html: '<b>{{ .Status }}</b>'";

#[test]
fn a_mail_line_by_line() {
    let line = Line::new(&format!(
        "email_configs: [{{{MAIL}, headers: {{subject: 'Ü', x-team: t, Message-Id: '<i>'}}, \
         threading: {{enabled: true, thread_by_date: none}}}}]"
    ));
    let (mails, outcome) = line.mail(delivery());
    assert_eq!(outcome, Outcome::delivered());
    let [mail] = mails.as_slice() else {
        panic!("{mails:?}");
    };
    assert_eq!(mail.from, "me@x");
    assert_eq!(mail.to, ["a@b", "c@d"]);
    assert_eq!(mail.login, None);
    let text = String::from_utf8(mail.message.clone()).unwrap();
    let boundary = text.split("boundary=").nth(1).unwrap().split("\r\n").next();
    let text = text.replace(boundary.unwrap(), "B").replace("\r\n", "\n");
    let (date, rest): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("Date: "));
    assert_eq!(date.len(), 1);
    let expected = "From: Me <me@x>
In-Reply-To: <alert-b91dd372ac07b203-@alertmanager>
Message-Id: <i>
References: <alert-b91dd372ac07b203-@alertmanager>
Subject: =?utf-8?q?=C3=9C?=
To: =?utf-8?q?a@b,_B=C3=A9_<c@d>?=
X-Team: t
Content-Type: multipart/alternative;  boundary=B
MIME-Version: 1.0

--B
Content-Transfer-Encoding: quoted-printable
Content-Type: text/plain; charset=UTF-8

plain
--B
Content-Transfer-Encoding: quoted-printable
Content-Type: text/html; charset=UTF-8

<b>firing</b>
--B--";
    assert_eq!(rest.join("\n"), expected);
}

#[test]
fn what_cannot_be_sent_is_given_up_and_what_may_come_is_tried_again() {
    let cases = [
        (
            "to: nobody",
            Retry::Never,
            "parse 'to' addresses: \"nobody\" is no address",
        ),
        (
            "to: a@b, from: 'a@b, c@d'",
            Retry::Never,
            "parse 'from' addresses: must be exactly one address",
        ),
        (
            "to: a@b, auth_username: u, auth_password_file: /nowhere/to/be/found",
            Retry::Later,
            "reading auth_password_file /nowhere/to/be/found: ",
        ),
    ];
    for (options, retry, start) in cases {
        let from = if options.contains("from") {
            ""
        } else {
            ", from: 'x@y'"
        };
        let line = Line::new(&format!(
            "email_configs: [{{{options}{from}, smarthost: 'h:25'}}]"
        ));
        let (mails, outcome) = line.mail(delivery());
        assert_eq!(mails, []);
        let Outcome::Failed {
            retry: actual,
            message,
            ..
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(actual, retry, "{message}");
        assert!(message.starts_with(start), "{message}");
    }
}
