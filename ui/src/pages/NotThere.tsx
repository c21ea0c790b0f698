// The place of a page whose back end is not built.
import { Link } from "react-router";
import { Page } from "../kit/Page";
import { Empty } from "../kit/states";
import { text } from "../text";

const words = text.shell.notThere;

export default function NotThere() {
  return (
    <Page title={words.title}>
      <Empty title={words.title} action={<Link to="/status">{words.home}</Link>}>
        {words.about}
      </Empty>
    </Page>
  );
}
