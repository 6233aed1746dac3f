import { Empty } from "../ui";
import { useWords } from "../words";

export default function WallPage() {
  const say = useWords();
  return <Empty title={say("comingSoon")} />;
}
