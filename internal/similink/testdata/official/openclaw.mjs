// Stands in for the parts of openclaw that the official client imports, and
// leads its imports here.
import os from "node:os";

export const normalizeAccountId = (id) => id.trim().toLowerCase().replace(/[^a-z0-9_-]+/g, "-");

export const resolvePreferredOpenClawTmpDir = () => process.env.OPENCLAW_STATE_DIR ?? os.tmpdir();

export const withFileLock = (path, options, fn) => fn();

export async function resolve(specifier, context, next) {
	if (specifier.startsWith("openclaw/plugin-sdk/")) {
		return { url: import.meta.url, shortCircuit: true };
	}
	return next(specifier, context);
}
