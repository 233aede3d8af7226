// Fills Go templates with conversations in the way that Ollama documents, for tests.
//
// Standard input holds a JSON list of cases, each with a template and messages; standard output
// gets a list of texts or errors, in their order.
package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"
)

type message struct {
	Role     string `json:"role"`
	Content  string `json:"content"`
	Thinking string `json:"thinking"`
	// Templates may ask for these; conversations here have none.
	Images    []string
	ToolCalls []struct{ Function struct{ Name, Arguments string } }
	ToolName  string
}

type testCase struct {
	Template string    `json:"template"`
	Messages []message `json:"messages"`
}

type outcome struct {
	Text  string `json:"text"`
	Error string `json:"error"`
}

var functions = template.FuncMap{
	"json": func(value any) string {
		text, _ := json.Marshal(value)
		return string(text)
	},
	"currentDate":      func(...string) string { return time.Now().Format("2006-01-02") },
	"yesterdayDate":    func(...string) string { return time.Now().AddDate(0, 0, -1).Format("2006-01-02") },
	"toTypeScriptType": func(any) string { return "any" },
}

// join merges neighbours of one role, other than tools, and returns all system messages too.
func join(messages []message) (string, []*message) {
	var system []string
	var joined []*message
	for _, each := range messages {
		if each.Role == "system" {
			system = append(system, each.Content)
		}
		last := len(joined) - 1
		if last >= 0 && joined[last].Role == each.Role && each.Role != "tool" {
			joined[last].Content += "\n\n" + each.Content
			continue
		}
		copied := each
		joined = append(joined, &copied)
	}
	return strings.Join(system, "\n\n"), joined
}

// fields calls back with the name of each field in a tree, in the order of the text.
func fields(node parse.Node, found func(string)) {
	var branch *parse.BranchNode
	switch node := node.(type) {
	case *parse.ListNode:
		if node != nil {
			for _, each := range node.Nodes {
				fields(each, found)
			}
		}
	case *parse.ActionNode:
		fields(node.Pipe, found)
	case *parse.PipeNode:
		for _, command := range node.Cmds {
			for _, argument := range command.Args {
				fields(argument, found)
			}
		}
	case *parse.FieldNode:
		for _, name := range node.Ident {
			found(name)
		}
	case *parse.VariableNode:
		for _, name := range node.Ident {
			found(name)
		}
	case *parse.IfNode:
		branch = &node.BranchNode
	case *parse.WithNode:
		branch = &node.BranchNode
	case *parse.RangeNode:
		branch = &node.BranchNode
	}
	if branch != nil {
		fields(branch.Pipe, found)
		fields(branch.List, found)
		fields(branch.ElseList, found)
	}
}

func names(node parse.Node, name string) bool {
	seen := false
	fields(node, func(each string) { seen = seen || each == name })
	return seen
}

// cut removes the action that writes .Response and all that follows it, and says whether it did.
func cut(list *parse.ListNode) bool {
	if list == nil {
		return false
	}
	for at, node := range list.Nodes {
		var branch *parse.BranchNode
		switch node := node.(type) {
		case *parse.ActionNode:
			if names(node, "Response") {
				list.Nodes = list.Nodes[:at]
				return true
			}
		case *parse.IfNode:
			branch = &node.BranchNode
		case *parse.WithNode:
			branch = &node.BranchNode
		case *parse.RangeNode:
			branch = &node.BranchNode
		}
		if branch != nil && (cut(branch.List) || cut(branch.ElseList)) {
			list.Nodes = list.Nodes[:at+1]
			return true
		}
	}
	return false
}

func newTemplate() *template.Template {
	return template.New("").Option("missingkey=zero").Funcs(functions)
}

func fill(test testCase) (string, error) {
	filled, err := newTemplate().Parse(test.Template)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	system, messages := join(test.Messages)
	if names(filled.Root, "Messages") {
		err = filled.Execute(&text, map[string]any{
			"System": system, "Messages": messages, "Tools": []string(nil), "Response": "",
			"Think": false, "ThinkLevel": "", "IsThinkSet": false,
		})
		return text.String(), err
	}
	if !names(filled.Root, "Response") {
		filled = template.Must(newTemplate().Parse(test.Template + "{{ .Response }}"))
	}
	// A round for each answer; the last one ends where the answer begins.
	values := map[string]any{"System": "", "Prompt": "", "Response": ""}
	for _, each := range messages {
		full := values["Response"] != "" || (each.Role == "system" && values["Prompt"] != "")
		if each.Role != "assistant" && full {
			if err = filled.Execute(&text, values); err != nil {
				return "", err
			}
			values = map[string]any{"System": "", "Prompt": "", "Response": ""}
		}
		name := map[string]string{"system": "System", "user": "Prompt", "assistant": "Response"}[each.Role]
		values[name] = each.Content
	}
	cut(filled.Root)
	err = filled.Execute(&text, values)
	return text.String(), err
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	outcomes := make([]outcome, len(cases))
	for at, each := range cases {
		text, err := fill(each)
		outcomes[at].Text = text
		if err != nil {
			outcomes[at] = outcome{Error: err.Error()}
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(slices.Clip(outcomes)); err != nil {
		panic(err)
	}
}
