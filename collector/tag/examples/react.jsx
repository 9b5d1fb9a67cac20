// A single-page site with React. With Next or another server side, call init in an effect of the
// outermost layout; on the server it does nothing.
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { init, track } from "discreet-tag";

init({ site: "example.org", server: location.origin, modules: ["links"] });

function Link({ to, onOpen, children }) {
  const open = event => {
    event.preventDefault();
    history.pushState(null, "", to);
    onOpen(to);
  };
  return <a href={to} onClick={open}>{children}</a>;
}

function Site() {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const back = () => setPath(location.pathname);
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  return (
    <>
      <nav><Link to="/" onOpen={setPath}>Home</Link> <Link to="/prices" onOpen={setPath}>Prices</Link></nav>
      <h1>{path === "/prices" ? "Prices" : "Home"}</h1>
      <button onClick={() => track("signup", { plan: "free" })}>Sign up</button>
    </>
  );
}

createRoot(document.body.appendChild(document.createElement("main"))).render(<Site />);
