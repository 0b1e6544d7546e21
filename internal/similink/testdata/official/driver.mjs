// Runs functions of the official client for a Go test. Each line of JSON on
// descriptor 3 asks for a call, {id, module, name, args}; a line on descriptor 4
// answers it, {id, result} or {id, error}. The client keeps its standard input
// and output.
import dns from "node:dns";
import fs from "node:fs";
import { register } from "node:module";
import readline from "node:readline";
import tls from "node:tls";
import { pathToFileURL } from "node:url";

const { SIMILINK_HOSTS, SIMILINK_ADDR, DIAGBOT_OPENCLAW } = process.env;

// Every connection goes to the simulator, under the name it was meant for.
const hosts = new Set(SIMILINK_HOSTS.split(","));
const [address, port] = SIMILINK_ADDR.split(":");
const connect = tls.connect;
tls.connect = (options, ...rest) => {
	if (!hosts.has(options.host)) {
		throw new Error(`${options.host} is not simulated`);
	}
	return connect({ ...options, host: address, port: Number(port), servername: options.host }, ...rest);
};

// Nothing else is reached: no name is ever looked up.
dns.lookup = (name) => {
	throw new Error(`${name} was looked up`);
};

register("./openclaw.mjs", import.meta.url);

const load = (module) => import(pathToFileURL(`${DIAGBOT_OPENCLAW}/dist/src/${module}`).href);

// What takes functions as arguments cannot be called from outside as it is.
const ours = {
	async download(item, cdnBaseUrl) {
		const { downloadMediaFromItem } = await load("media/media-download.js");
		const errors = [];
		let saved = null;
		await downloadMediaFromItem(item, {
			cdnBaseUrl,
			label: "test",
			log() {},
			errLog: (text) => errors.push(text),
			async saveMedia(body, mime, dir, limit, name) {
				saved = { body: body.toString("base64"), mime, name };
				return { path: "/nowhere" };
			},
		});
		if (!saved) {
			throw new Error(errors.join("; ") || "nothing was downloaded");
		}
		return saved;
	},
};

async function call({ module, name, args }) {
	const functions = module === "" ? ours : await load(module);
	return functions[name](...args);
}

const answer = (line) => fs.writeSync(4, JSON.stringify(line) + "\n");

const calls = readline.createInterface({ input: fs.createReadStream(null, { fd: 3 }) });
calls.on("line", (line) => {
	const asked = JSON.parse(line);
	call(asked).then(
		(result) => answer({ id: asked.id, result: result ?? null }),
		(error) => answer({ id: asked.id, error: String(error) }),
	);
});
calls.on("close", () => process.exit(0));
