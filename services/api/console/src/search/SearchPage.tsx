import { Empty } from "../ui";
import { useWords } from "../words";

export default function SearchPage() {
  const say = useWords();
  return <Empty title={say("comingSoon")} />;
}
