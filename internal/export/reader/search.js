// Searches the messages of an export. The data lies in scripts (search/1.js and so on), the only thing that a page in a
// folder may load; they are loaded one after the other and looked through, so that memory holds one at a time.
"use strict";
(() => {
	const form = document.getElementById("form"), query = document.getElementById("query");
	const status = document.getElementById("status"), results = document.getElementById("results");
	const chunks = Number(form.dataset.chunks), most = 500;
	let wanted = [], unwanted = [], found = 0, run = 0;

	const fold = (s) => s.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

	// parse reads words, phrases in quotation marks, and both with a dash before them.
	function parse(text) {
		wanted = [];
		unwanted = [];
		for (const [, dash, phrase, word] of text.matchAll(/(-?)(?:"([^"]*)"|(\S+))/g)) {
			const term = fold(phrase ?? word).trim();
			if (term) (dash ? unwanted : wanted).push(term);
		}
	}

	// mark appends a text in which the words are marked.
	function mark(parent, text) {
		let folded = "", at = 0, offset = 0;
		const origin = []; // of each unit of folded, where it stands in the text
		for (const c of text) {
			const f = fold(c);
			for (let i = 0; i < f.length; i++) origin.push(offset);
			folded += f;
			offset += c.length;
		}
		origin.push(offset);
		for (;;) {
			let next = -1, length = 0;
			for (const term of wanted) {
				const i = folded.indexOf(term, at);
				if (i >= 0 && (next < 0 || i < next)) [next, length] = [i, term.length];
			}
			if (next < 0) break;
			const m = document.createElement("mark");
			m.textContent = text.slice(origin[next], origin[next + length]);
			parent.append(text.slice(origin[at], origin[next]), m);
			at = next + length;
		}
		parent.append(text.slice(origin[at]));
	}

	// cut shortens a text to what stands around the first word.
	function cut(text) {
		const at = Math.max(0, fold(text).indexOf(wanted[0]) - 80);
		return (at > 0 ? "… " : "") + text.slice(at, at + 320) + (at + 320 < text.length ? " …" : "");
	}

	function show(href, channel, [ts, time, author, text]) {
		const article = document.createElement("article"), link = document.createElement("a");
		const head = document.createElement("p"), name = document.createElement("bdi"), where = document.createElement("bdi");
		const body = document.createElement("div");
		article.className = "m result";
		name.textContent = author;
		where.textContent = channel;
		link.href = href + "#m-" + ts;
		link.textContent = time;
		head.append(name, " in ", where, ", ", link);
		body.className = "x";
		body.dir = "auto";
		mark(body, cut(text));
		article.append(head, body);
		results.append(article);
	}

	// page is what the scripts of the data call.
	window.page = (href, channel, messages) => {
		for (const message of messages) {
			const text = fold(message[3]);
			if (!wanted.every((t) => text.includes(t)) || unwanted.some((t) => text.includes(t))) continue;
			if (++found <= most) show(href, channel, message);
		}
	};

	function report(done) {
		let text = found === 1 ? "1 message" : found.toLocaleString("en") + " messages";
		if (found > most) text += ", the first " + most + " are shown";
		if (done < chunks) text += "; " + Math.floor(100 * done / chunks) + " % searched";
		status.textContent = text;
	}

	function load(n, mine) {
		if (mine !== run) return; // another search has begun
		report(n - 1);
		if (n > chunks) return;
		const script = document.createElement("script");
		script.src = "search/" + n + ".js";
		script.onload = () => { script.remove(); load(n + 1, mine); };
		script.onerror = () => { status.textContent = script.src + " cannot be read: the export is not whole."; };
		document.body.append(script);
	}

	function start() {
		parse(query.value);
		results.replaceChildren();
		status.textContent = "";
		found = 0;
		run++;
		if (wanted.length > 0) load(1, run);
	}

	form.addEventListener("submit", (event) => {
		event.preventDefault();
		location.hash = encodeURIComponent(query.value);
	});
	window.addEventListener("hashchange", fromAddress);

	// fromAddress searches for what stands behind the # of the address, so that a search can be gone back to.
	function fromAddress() {
		query.value = decodeURIComponent(location.hash.slice(1));
		start();
	}
	fromAddress();
	query.focus();
})();
