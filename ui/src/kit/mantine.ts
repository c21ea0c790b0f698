// The only door to Mantine: pages take these, so that they can be replaced one by one.
import "./mantine.css";

export {
  ActionIcon,
  Button,
  Drawer,
  MantineProvider,
  Modal,
  SegmentedControl,
  Switch,
  Tabs,
  TextInput,
} from "@mantine/core";
