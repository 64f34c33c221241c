// A tunnel's end: takes connections on one address and passes them on to another, as `ssh -L` does. Addresses are
// `host:port` or the path of a socket. Says `ready` when it listens.
//
//   node relay.mjs LISTEN TARGET
import net from "node:net";

const [listen, target] = process.argv.slice(2).map(address);

function address(text) {
  const [, host, port] = /^(.*):(\d+)$/.exec(text) ?? [];
  return host ? { host, port: Number(port) } : { path: text };
}

net
  .createServer((here) => {
    const there = net.connect(target);
    const end = () => [here, there].forEach((socket) => socket.destroy());
    for (const socket of [here, there]) socket.on("error", end).on("close", end);
    here.pipe(there).pipe(here);
  })
  .listen(listen, () => process.stdout.write("ready\n"));
