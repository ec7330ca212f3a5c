package audiosep_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImportsPointDown holds the picture of the packages in README.md: stage packages
// know the root alone, internal packages (and their tests) each other alone, nothing but the
// command knows them all.
func TestImportsPointDown(t *testing.T) {
	const module = "github.com/audiosep/audiosep"
	// What a package may import of this module, beside internal packages. Packages not
	// named here are internal, which may import nothing more, or commands, which may import
	// anything.
	stage := []string{"."}
	may := map[string][]string{
		".":                  {},
		"audio":              stage,
		"transforms":         stage,
		"factorizers":        stage,
		"separators":         stage,
		"multichannel":       stage,
		"models":             stage,
		"notes":              stage,
		"nets":               stage,
		"metrics":            stage,
		"analysis":           stage,
		"pipeline":           stage,
		"pipeline/contract":  stage,
		"pipeline/record":    {".", "pipeline"},
		"pipeline/stagetest": {".", "pipeline/contract"},
		"plugins":            {".", "plugins/wire"},
		"stages":             {".", "audio", "transforms", "factorizers", "separators", "multichannel", "models", "notes", "nets"},
		"plugins/store":      {".", "plugins"},
		"plugins/wire":       {},
		"presets":            {},
		"cache":              {".", "models", "pipeline"},
		"batch":              {".", "audio", "batch/helper", "pipeline", "pipeline/record", "report"},
		"batch/helper":       {},
		"resume":             {".", "pipeline"},
		"report":             {".", "analysis", "audio", "metrics", "pipeline"},
		"listen":             {".", "audio", "factorizers", "models", "notes", "pipeline", "pipeline/record", "separators", "transforms"},
		"serve":              {".", "pipeline"},

		"examples/internal/known": {".", "audio", "factorizers", "notes", "transforms"}, // what the examples share
	}
	for _, line := range goList(t, "{{.ImportPath}} {{.Doc}}", "./...") {
		if _, doc, _ := strings.Cut(line, " "); doc == "" {
			t.Errorf("%shas no comment; want one that says what is in it", line)
		}
	}
	const line = "{{.Name}} {{.ImportPath}} {{join .Imports \" \"}}"
	lines := goList(t, line, "./...")
	lines = append(lines, goList(t, line+" {{join .TestImports \" \"}} {{join .XTestImports \" \"}}", "./internal/...")...)
	short := func(path string) string {
		if path == module {
			return "."
		}
		return strings.TrimPrefix(path, module+"/")
	}
	for _, line := range lines {
		f := strings.Fields(line)
		name, pkg := f[0], short(f[1])
		allowed, known := may[pkg]
		internal := strings.HasPrefix(pkg, "internal/")
		if !known && !internal && name != "main" {
			t.Errorf("package %s is new: say here what it may import", pkg)
		}
		for _, path := range f[2:] {
			if path != module && !strings.HasPrefix(path, module+"/") || name == "main" {
				continue
			}
			if imp := short(path); !strings.HasPrefix(imp, "internal/") && !slices.Contains(allowed, imp) {
				t.Errorf("package %s imports %s; want only %v and internal packages", pkg, imp, allowed)
			}
		}
	}
}

// Tests of the root stand outside of it: were one of its package, every package that they import
// would be compiled again with it, and who changes a line would wait for that.
func TestTestsStandOutside(t *testing.T) {
	for _, line := range goList(t, "{{.TestGoFiles}}", ".") {
		if line != "[]" {
			t.Errorf("%s are of package audiosep; want audiosep_test, or what they test in a package of internal", line)
		}
	}
}

// goList returns a line for each package that matches pattern.
func goList(t *testing.T, format, pattern string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", format, pattern).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
