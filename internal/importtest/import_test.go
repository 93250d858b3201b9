package importtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	pathpkg "path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "archiver"
	root   = "../.."
)

// source is a Go file of the module.
type source struct {
	path    string // below the root, slashes
	pkg     string // folder, likewise
	test    bool
	syntax  *ast.File
	imports []string
}

// sources parses every Go file of the module: imports, declarations and comments.
func sources(t *testing.T) []source {
	t.Helper()
	var list []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "testdata" || strings.HasPrefix(name, ".") && path != root) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		s := source{path: filepath.ToSlash(rel), test: strings.HasSuffix(name, "_test.go"), syntax: file}
		s.pkg = pathpkg.Dir(s.path)
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			s.imports = append(s.imports, imported)
		}
		list = append(list, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	for _, s := range sources(t) {
		allowed, known := table[s.pkg]
		if !known {
			t.Errorf("%s: package %q has no row in the table", s.path, s.pkg)
			continue
		}
		for _, imported := range s.imports {
			dep, own := strings.CutPrefix(imported, module+"/")
			switch {
			case !own, slices.Contains(allowed.imports, dep):
			case s.test && (dep == s.pkg || slices.Contains(allowed.tests, dep)):
			default:
				t.Errorf("%s may not import %s", s.path, dep)
			}
		}
	}
}

func TestTableHasNoOtherRows(t *testing.T) {
	for pkg, r := range table {
		if files, _ := filepath.Glob(filepath.Join(root, pkg, "*.go")); len(files) == 0 {
			t.Errorf("%s: in the table, but there is no such package", pkg)
		}
		for _, dep := range slices.Concat(r.imports, r.tests) {
			if _, known := table[dep]; !known {
				t.Errorf("%s: may import %s, which has no row", pkg, dep)
			}
		}
	}
}

func TestTableHasNoCycles(t *testing.T) {
	const visiting, done = 1, 2
	state := map[string]int{}
	var visit func(pkg string)
	visit = func(pkg string) {
		state[pkg] = visiting
		for _, dep := range table[pkg].imports {
			if state[dep] == visiting {
				t.Errorf("cycle: %s may import %s", pkg, dep)
			} else if state[dep] != done {
				visit(dep)
			}
		}
		state[pkg] = done
	}
	for _, pkg := range slices.Sorted(maps.Keys(table)) {
		if state[pkg] == 0 {
			visit(pkg)
		}
	}
}

func TestOneSyncAFile(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(s.imports, module+"/internal/sync") && slices.Contains(s.imports, "sync") {
			t.Errorf("%s imports both internal/sync and sync", s.path)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		begins := []string{"Package " + s.syntax.Name.Name + " "}
		if name := filepath.Base(s.pkg); s.syntax.Name.Name == "main" {
			begins = []string{"Command " + name + " ", strings.ToUpper(name[:1]) + name[1:] + " "}
		}
		text := strings.Join(strings.Fields(s.syntax.Doc.Text()), " ")
		found := slices.ContainsFunc(begins, func(begin string) bool { return strings.HasPrefix(text, begin) })
		documented[s.pkg] = documented[s.pkg] || found
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s: no comment that begins with %q", pkg, "Package name (or Command name)")
		}
	}
}

func TestNoInitFunctions(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init", s.path)
			}
		}
	}
}

// directDependencies are the modules that files of this one import, and its tools.
func directDependencies(t *testing.T) []string {
	t.Helper()
	mod := read(t, "go.mod")
	var modules []string
	for _, m := range regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+/\S+) v\S+`).FindAllStringSubmatch(mod, -1) {
		modules = append(modules, m[1])
	}
	imported := map[string]bool{}
	for _, tool := range regexp.MustCompile(`(?m)^tool (\S+)`).FindAllStringSubmatch(mod, -1) {
		imported[tool[1]] = true
	}
	for _, s := range sources(t) {
		for _, path := range s.imports {
			imported[path] = true
		}
	}
	var direct []string
	for path := range imported {
		if m := moduleOf(path, modules); m != "" {
			direct = append(direct, m)
		}
	}
	slices.Sort(direct)
	return slices.Compact(direct)
}

// moduleOf is the module that provides a package, "" for the standard library and this module.
func moduleOf(path string, modules []string) (longest string) {
	for _, m := range modules {
		if (path == m || strings.HasPrefix(path, m+"/")) && len(m) > len(longest) {
			longest = m
		}
	}
	return longest
}

func TestREADMENamesEveryDirectDependency(t *testing.T) {
	readme := read(t, "README.md")
	direct := directDependencies(t)
	if len(direct) == 0 {
		t.Fatal("no dependency found in go.mod")
	}
	for _, m := range direct {
		if !strings.Contains(readme, "`"+m+"`") {
			t.Errorf("README.md does not name `%s`", m)
		}
	}
}

func TestREADMENamesOnlyDirectDependencies(t *testing.T) {
	_, section, found := strings.Cut(read(t, "README.md"), "## Dependencies")
	if !found {
		t.Fatal("README.md has no section Dependencies")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	direct := directDependencies(t)
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(section, -1) {
		if !slices.Contains(direct, m[1]) {
			t.Errorf("README.md names `%s`, which nothing imports", m[1])
		}
	}
}

func TestREADMEMapsEveryPackage(t *testing.T) {
	readme := read(t, "README.md")
	for pkg := range table {
		if !strings.Contains(readme, "`"+pkg+"`") {
			t.Errorf("README.md does not name `%s`", pkg)
		}
	}
}

// TestDocumentsNameExistingPackages catches maps of the module that are out of date.
func TestDocumentsNameExistingPackages(t *testing.T) {
	documents := []string{"README.md", "docs/architecture.md", "cmd/archiver/doc.go"}
	for _, document := range documents {
		text, err := os.ReadFile(filepath.Join(root, document))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, pkg := range regexp.MustCompile(`(?:internal|cmd)/[a-z]+(?:/[a-z]+)*`).FindAllString(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root, pkg)); err != nil {
				t.Errorf("%s names %s: %v", document, pkg, err)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
