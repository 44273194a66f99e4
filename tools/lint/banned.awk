# SPDX-License-Identifier: MIT
# Functions that are not used here, each for a reason: unbounded or locale
# dependent (strcpy, atoi, ...), static results shared by threads (gmtime,
# strtok, strerror), a shell (system, popen), the stack (alloca), and getenv
# outside base/conf. Comments and strings do not count.
# Also: SQL text outside store/stmts.def, HTML text outside templates/, and
# floating point outside the local model.

BEGIN {
	n = split("strcpy strcat sprintf vsprintf strncpy strncat strtok atoi " \
	    "atol atoll atof strtol strtoul strtoll strtoull sscanf gmtime " \
	    "localtime ctime asctime strerror setlocale alloca system popen " \
	    "signal rand srand random mysql_real_query mysql_query", names, " ")
	for (i = 1; i <= n; i++)
		banned[names[i]] = 1
	sql = "\"[ ]*(SELECT |INSERT (INTO|IGNORE)|UPDATE [a-z_]+ SET|" \
	    "DELETE FROM|REPLACE INTO|CREATE |ALTER TABLE|DROP |" \
	    "START TRANSACTION|COMMIT\"|ROLLBACK\"|SET (SESSION|NAMES|GLOBAL))"
}

function complain(text) {
	print FILENAME ":" FNR ": " text
	bad = 1
}

# The line without comments; texts stay when keep_texts is set.
function strip(line, keep_texts,    out, i, c, quote) {
	out = ""
	quote = ""
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		if (in_comment) {
			if (substr(line, i, 2) == "*/") {
				in_comment = 0
				i++
			}
			continue
		}
		if (quote != "") {
			if (keep_texts)
				out = out c
			if (c == "\\") {
				if (keep_texts)
					out = out substr(line, i + 1, 1)
				i++
			} else if (c == quote) {
				quote = ""
				if (!keep_texts)
					out = out c
			}
			continue
		}
		if (substr(line, i, 2) == "/*") {
			in_comment = 1
			i++
			continue
		}
		if (substr(line, i, 2) == "//")
			break
		if (c == "\"" || c == "'")
			quote = c
		out = out c
	}
	return out
}

FNR == 1 { in_comment = 0 }

{
	before = in_comment
	texts = strip($0, 1)
	in_comment = before
	code = strip($0, 0)

	rest = code
	while (match(rest, /[A-Za-z_][A-Za-z0-9_]*[ ]*\(/)) {
		name = substr(rest, RSTART, RLENGTH)
		sub(/[ ]*\($/, "", name)
		if (name in banned && !(FILENAME ~ /store\/db(_[a-z]+)?\.c$/ &&
		    name ~ /^mysql_/))
			complain(name "() is not used here (tools/lint/banned.awk)")
		if (name ~ /^(secure_)?getenv$/ && FILENAME !~ /src\/base\/conf\.c$/)
			complain("settings come from base/conf, not getenv()")
		rest = substr(rest, RSTART + RLENGTH)
	}
	if (texts ~ sql && FILENAME !~ /store\/stmts\.def$/)
		complain("SQL belongs into src/store/stmts.def or sql/")
	if (texts ~ /"<[a-zA-Z!\/]/ && code !~ /^#[ ]*include/)
		complain("HTML belongs into templates/")
	if (code ~ /(^|[^A-Za-z0-9_])(double|float)([^A-Za-z0-9_]|$)/ &&
	    FILENAME !~ /(^|\/)src\/gpt2d?\//)
		complain("money and counts are integers; floating point is in gpt2/ only")
	if (code ~ /\/\/ /)
		complain("// comments are for local debugging")
}

END { exit bad }
