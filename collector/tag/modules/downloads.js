// Clicks on links to files, here and elsewhere: their host and path.
import { onLink } from "../link.js";

if (!discreet.downloads) {
  const endings = (
    document.querySelector("script[data-downloads]")?.dataset.downloads ||
    "7z apk avi bz2 csv deb dmg doc docx epub exe gz ics iso jar key m4a mkv mov mp3 mp4 mpeg msi " +
    "numbers odp ods odt ogg pages pdf pkg pps ppt pptx rar rpm rtf tar tgz txt wav webm wmv xls " +
    "xlsx xz zip"
  ).split(/[ ,]+/);
  // Asked by links.js and failures.js too.
  discreet.downloads = ({protocol, pathname}, link) => /^http/.test(protocol) &&
    (link?.hasAttribute("download") || endings.includes(pathname.split(".").pop().toLowerCase()));
  onLink((url, link) => {
    if (discreet.downloads(url, link)) discreet("File Download", {url: url.host + url.pathname});
  });
}
