import { Empty } from "../ui";
import { useWords } from "./words";

export default function Rejected() {
  const say = useWords();
  return <Empty title={say("notYet")} />;
}
