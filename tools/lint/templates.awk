# SPDX-License-Identifier: MIT
# Where tags may stand in templates: what the engine escapes is safe in text
# and in quoted attributes, nowhere else. Refused are
#   - unescaped tags and changed delimiters;
#   - tags inside <script> and <style>;
#   - tags in attributes that are not in double quotes, and in on… and style;
#   - in href, src and action, keys not made by http/url (named …_href).
# And what the content security policy refuses, tag or not: <style>, a <script>
# without src, and the attributes style and on….
# Usage: awk -f templates.awk templates/*.html templates/*/*.html
function report(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	n_bad++
}
FNR == 1 {
	state = "text"
	name = ""
	raw = ""
}
{
	line = $0 "\n"
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		if (substr(line, i, 2) == "{{") {
			tag = substr(line, i + 2)
			n = index(tag, "}}")
			if (n == 0) {
				report("a tag that goes on in the next line")
				next
			}
			tag = substr(tag, 1, n - 1)
			sub(/^[ \t]+/, "", tag)
			kind = substr(tag, 1, 1)
			if (kind == "{" || kind == "&")
				report("unescaped: {{" tag "}}")
			if (kind == "=")
				report("other delimiters: {{" tag "}}")
			check_place(kind, tag)
			i += n + 2
			continue
		}
		step(c)
	}
}
# Does a tag of this kind put a value here?
function check_place(kind, tag) {
	if (kind == "!" || kind == "/")
		return
	if (raw != "")
		report("a tag inside <" raw ">: {{" tag "}}")
	if (kind == "#" || kind == "^")
		return
	if (state == "name" || state == "tagname" || state == "after")
		report("a tag in the place of an attribute: {{" tag "}}")
	if (state == "equals" || state == "bare")
		report("a tag in an attribute without quotes: {{" tag "}}")
	if (state == "single")
		report("a tag in single quotes: {{" tag "}}")
	if (state != "double" && state != "single")
		return
	if (name ~ /^on/ || name == "style")
		report("a tag in the attribute " name ": {{" tag "}}")
	if (name ~ /^(href|src|action|formaction|poster|data|xlink:href)$/ &&
	    kind != ">" && tag !~ /_href[ \t]*$/)
		report(name " takes keys that end in _href: {{" tag "}}")
}
function step(c) {
	if (state == "text") {
		if (c == "<") {
			state = "tagname"
			element = ""
			has_src = 0
		}
	} else if (state == "tagname") {
		if (c == ">")
			leave()
		else if (c ~ /[ \t\n]/)
			state = "after"
		else
			element = element tolower(c)
	} else if (state == "after" || state == "name") {
		if (c == ">")
			leave()
		else if (c == "=") {
			state = "equals"
			if (name == "src")
				has_src = 1
			if (name ~ /^on/ || name == "style")
				report("the attribute " name)
		}
		else if (c ~ /[ \t\n]/)
			state = "after"
		else {
			if (state == "after")
				name = ""
			state = "name"
			name = name tolower(c)
		}
	} else if (state == "equals") {
		if (c == "\"")
			state = "double"
		else if (c == "'")
			state = "single"
		else if (c == ">")
			leave()
		else
			state = "bare"
	} else if (state == "double") {
		if (c == "\"")
			state = "after"
	} else if (state == "single") {
		if (c == "'")
			state = "after"
	} else if (state == "bare") {
		if (c == ">")
			leave()
		else if (c ~ /[ \t\n]/)
			state = "after"
	}
}
function leave() {
	state = "text"
	if (element == "style" || (element == "script" && !has_src))
		report("<" element "> in the page")
	if (element == "script" || element == "style")
		raw = element
	if (raw != "" && element == "/" raw)
		raw = ""
}
END {
	exit n_bad > 0
}
