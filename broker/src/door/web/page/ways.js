// Ready lines to read a thing elsewhere: with curl, Python, Rust and the tool.

import { key } from "./api.js";
import { home } from "./kept.js";
import { html, useState } from "./vendor/preact.js";

const WEB_PORT = 7957;

/** By this broker's addresses: the web's port is the last of four. */
function lines(ns) {
  const { hostname, port } = location;
  const web = home();
  const clients = Number(port || WEB_PORT) - 3;
  const secret = key.get() ? ' -H "Access-Key: $KEY"' : "";
  return {
    curl: `# the value now, each new one, and the last hour
curl${secret} ${web}things/${ns}/value
curl -N${secret} '${web}events?under=${ns}'
curl${secret} -H 'Accept: text/csv' '${web}things/${ns}/history?from=1h'`,
    Python: `# pip install thingsbus
from thingsbus.client import Client

client = Client(broker_url='tcp://${hostname}:${clients}')
thing = client.directory.get_thing('${ns}')
print(thing.get_data())       # (age in seconds, data)
thing.subscribe(print, 0)     # each new one`,
    Rust: `// thingsbus-client
let client = Client::connect("${hostname}:${clients}".parse()?, &Parts::Only(vec![("${ns}".parse()?, false)]))?;
let thing = client.directory().get_thing("${ns}")?;
client.wait_ready(Duration::from_secs(20))?;
println!("{:?}", thing.get::<serde_json::Value>()?);`,
    thingsbus: `thingsbus -b ${hostname}:${clients} get ${ns}
thingsbus -b ${hostname}:${clients} watch ${ns}
thingsbus -b ${hostname}:${clients} history ${ns} --since 1h --plot`,
  };
}

export function Ways({ ns }) {
  const all = lines(ns);
  const [chosen, setChosen] = useState("curl");
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(all[chosen]);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return html`
    <section class="card">
      <h2>Read it elsewhere</h2>
      <div class="choices">
        <div class="segments" role="group" aria-label="With what">
          ${Object.keys(all).map((name) => html`<button aria-pressed=${chosen === name} onClick=${() => setChosen(name)}>${name}</button>`)}
        </div>
        ${navigator.clipboard && html`<button onClick=${copy}>${isCopied ? "copied" : "copy"}</button>`}
      </div>
      <pre class="code" tabindex="0" role="region" aria-label=${`With ${chosen}`}>${all[chosen]}</pre>
    </section>`;
}
