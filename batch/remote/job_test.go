// Package remote has no code of its own: here the examples for other engines are checked.
package remote

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"
)

// The Job for Kubernetes keeps to the schema of batch/v1, which refuses fields that it does not know, and
// has as many shards as pods.
func TestKubernetesJob(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "kubernetes-job.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	schema, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	job, err := os.ReadFile(filepath.Join("..", "..", "examples", "batch", "job.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text string) error {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(value) // numbers and maps as the schema has them
		if err == nil {
			err = json.Unmarshal(plain, &value)
		}
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	if err := validate(string(job)); err != nil {
		t.Error(err)
	}
	for from, to := range map[string]string{
		"completions: 8": "completions: eight", "backoffLimitPerIndex": "backoffLimitPerindex", "restartPolicy: Never": "restartPolicy: [Never]",
		"mountPath: /data": "mountPaths: /data", "operator: In": "operators: In", "  template:": "  templates:",
	} {
		broken := strings.Replace(string(job), from, to, 1)
		if broken == string(job) {
			t.Errorf("the job has no %q", from)
		} else if validate(broken) == nil {
			t.Errorf("%q instead of %q is not refused", to, from)
		}
	}
	var is struct {
		Spec struct {
			CompletionMode           string
			Completions, Parallelism int
			MaxFailedIndexes         int
			Template                 struct {
				Spec struct {
					RestartPolicy string
					Containers    []struct{ Args []string }
				}
			}
		}
	}
	var value any
	if err := yaml.Unmarshal(job, &value); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(plain, &is)
	}
	if err != nil {
		t.Fatal(err)
	}
	// What the schema does not say: https://kubernetes.io/docs/concepts/workloads/controllers/job/
	pod := is.Spec.Template.Spec
	if is.Spec.CompletionMode != "Indexed" || pod.RestartPolicy != "Never" || is.Spec.MaxFailedIndexes > is.Spec.Completions {
		t.Errorf("%+v; want an Indexed job, whose failure policy needs pods that are never started again in place", is.Spec)
	}
	if args := strings.Join(pod.Containers[0].Args, " "); is.Spec.Completions != 8 || !strings.Contains(args, "--shard auto/8") {
		t.Errorf("%d completions, and arguments %s; want auto/ and the same number", is.Spec.Completions, args)
	}
}
