// A path that is no page.
import { Link } from "react-router";
import { Page } from "../kit/Page";
import { text } from "../text";

export function UnknownPage() {
  return (
    <Page title={text.shell.unknownPage}>
      <Link to="/status">{text.shell.notThere.home}</Link>
    </Page>
  );
}
