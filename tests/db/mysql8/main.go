// SPDX-License-Identifier: MIT

// Reads SQL from the files named (or standard input) and says what a grammar
// of MySQL 8, TiDB's, does not accept. A test-only tool: nothing of it is
// part of the programs.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pingcap/tidb/pkg/parser"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver"
)

// check parses statement by statement, so that every one that fails is told.
func check(name string, text string) (int, bool) {
	p := parser.New()
	n, good := 0, true
	for _, one := range strings.SplitAfter(text, ";\n") {
		statements, _, err := p.ParseSQL(one)
		if err != nil {
			fmt.Printf("%s: %v\n", name, err)
			good = false
		}
		n += len(statements)
	}
	return n, good
}

func read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}

func main() {
	good := true
	for _, name := range os.Args[1:] {
		text, err := read(name)
		if err != nil {
			fmt.Println(err)
			os.Exit(2)
		}
		n, ok := check(name, string(text))
		fmt.Printf("%s: %d statements\n", name, n)
		good = good && ok
	}
	if !good {
		os.Exit(1)
	}
}
