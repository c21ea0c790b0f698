// The only door to Mantine: pages take these, so that they can be replaced one by one.
import "./mantine.css";

export {
  ActionIcon,
  Button,
  Checkbox,
  Drawer,
  MantineProvider,
  Menu,
  Modal,
  SegmentedControl,
  Select,
  Switch,
  Tabs,
  TextInput,
  Tooltip,
} from "@mantine/core";
