# SPDX-License-Identifier: MIT
# Compares the #include lines of src/ with layers.txt, and says in words what
# is wrong. Usage: awk -f layers.awk layers.txt FILE... ; exits 1 on findings.

function folder_of(path,    n, parts) {
	sub(/^.*src\//, "", path)
	n = split(path, parts, "/")
	if (parts[1] == "handler" && n > 2)
		return parts[1] "/" parts[2]
	return parts[1]
}

function complain(text) {
	print FILENAME ":" FNR ": " text
	bad = 1
}

FNR == NR {
	if ($0 ~ /^#/ || NF == 0)
		next
	if ($1 ~ /^</) {
		owner[$1] = $2
		next
	}
	known[$1] = 1
	for (i = 2; i <= NF; i++)
		may[$1, $i] = 1
	next
}

FNR == 1 { here = folder_of(FILENAME) }

/^#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	if (quoted[2] !~ /\//)
		complain("write the path from src/: \"" quoted[2] "\"")
	there = folder_of("src/" quoted[2])
	if (!(there in known))
		complain(there "/ is not in layers.txt")
	else if (there != here && !((here, there) in may))
		complain(here "/ must not know " there "/ (tools/lint/layers.txt)")
}

/^#[ \t]*include[ \t]*</ {
	for (h in owner) {
		at = index($0, h)
		path = FILENAME
		sub(/^.*src\//, "", path)
		if (at && index(path, owner[h]) != 1)
			complain(h " belongs to src/" owner[h] " only")
	}
}

END { exit bad }
