package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dray/backend/contexts"
	"dray/tui/clean"
	"dray/tui/settings"
)

func (a *app) ctxCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ctx",
		Aliases: []string{"context", "clusters"},
		Short:   "The clusters of the config file: list, choose, add, remove, test",
		Long: `The config file can give clusters names, with what is needed to reach them:

  clusters:
    prod:
      address: https://head.corp:8265
      headers: {X-Team: vision}                # go with every request
      header_command: [corp-token, --header]   # prints more, as "Name: value" lines;
      header_timeout: 10s                      # runs again when they are refused
      ca_file: corp.pem                        # or insecure_skip_verify: true
      cert_file: me.pem                        # with key_file: of this client
      key_file: me.key
      protected: true                          # questions want the job's id typed
      colour: magenta                          # of its name in the dashboard
    lab:
      address: http://10.9.0.4:8265
      token_env: LAB_TOKEN                     # or token_file: ~/.ray/auth_token
      read_only: true                          # nothing can be changed from here

Ray's own variables for tokens and headers are sent only to the server that
--address, RAY_API_SERVER_ADDRESS or RAY_ADDRESS name. --cluster NAME uses a
cluster for a single run, DRAY_CLUSTER for a shell, and "dray ctx use NAME" from
then on. In the dashboard, ctrl-k switches.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%s has no verb %q", cmd.CommandPath(), args[0])
			}
			return nil
		},
	}
	ls := a.ctxLsCmd()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.ctxList(cmd.Context(), new(output)) }
	use, rm, test := a.ctxUseCmd(), a.ctxRmCmd(), a.ctxTestCmd()
	for _, c := range []*cobra.Command{use, rm, test} {
		c.ValidArgsFunction = a.clusterNames
	}
	cmd.AddCommand(ls, use, a.ctxAddCmd(), rm, test)
	return cmd
}

// ctxLine is one cluster as JSON, without secrets.
type ctxLine struct {
	Name       string `json:"name"`
	Address    string `json:"address"`
	Current    bool   `json:"current"`
	Source     string `json:"source"`
	ReadOnly   bool   `json:"read_only"`
	Protected  bool   `json:"protected"`
	SkipVerify bool   `json:"insecure_skip_verify"`
	Login      string `json:"login,omitempty"`
	TLS        string `json:"tls,omitempty"`
}

// mode says what may be done.
func mode(readOnly, protected bool) string {
	m := "rw"
	if readOnly {
		m = "ro"
	}
	if protected {
		m += " !"
	}
	return m
}

func (a *app) ctxLsCmd() *cobra.Command {
	var out *output
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"},
		Short: "List the clusters, the one in use with a star",
		Args:  exactArgs(0, "no arguments"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.ctxList(cmd.Context(), out) },
	}
	out = addOutput(cmd)
	return cmd
}

func (a *app) ctxList(ctx context.Context, out *output) error {
	set, err := a.loaded()
	if err != nil {
		return err
	}
	now, err := a.choose(ctx)
	if err != nil {
		fmt.Fprintln(a.stderr, "dray: "+errorText(err)) // the list is what is needed then
	}
	lines := []ctxLine{}
	found := false
	for _, c := range set.Clusters {
		current := err == nil && now.Cluster != nil && now.Cluster.Name == c.Name
		found = found || current
		lines = append(lines, ctxLine{
			Name: c.Name, Address: contexts.Redacted(c.Address), Current: current, Source: set.Where("clusters." + c.Name),
			ReadOnly: c.ReadOnly, Protected: c.Protected, SkipVerify: c.SkipVerify, Login: c.Login(), TLS: c.Verifies(),
		})
	}
	if err == nil && !found {
		t := target(now, "")
		lines = append(lines, ctxLine{Name: t.Name, Address: t.Address, Current: true, Source: now.Source})
	}
	if out.isData() {
		return a.printData(out, lines)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  NAME\tADDRESS\tMODE\tSOURCE\tLOGIN AND TLS")
	for _, l := range lines {
		star := "  "
		if l.Current {
			star = "* "
		}
		how := strings.Trim(l.Login+", "+l.TLS, ", ")
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", star+l.Name, clean.Text(l.Address), mode(l.ReadOnly, l.Protected), clean.Text(l.Source), clean.Text(cmp.Or(how, "-")))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// loaded are the settings, checked as far as verbs need them.
func (a *app) loaded() (*settings.Settings, error) {
	set, err := settings.Load(a.getenv)
	if err != nil {
		return nil, usagef("%w (dray config --help tells of the settings)", err)
	}
	return set, nil
}

// clusterNames completes names of clusters.
func (a *app) clusterNames(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	set, err := a.loaded()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(set.Clusters))
	for i, c := range set.Clusters {
		names[i] = c.Name
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// found returns the cluster of a name.
func found(set *settings.Settings, name string) (*contexts.Cluster, error) {
	names := make([]string, len(set.Clusters))
	for i := range set.Clusters {
		if names[i] = set.Clusters[i].Name; names[i] == name {
			return &set.Clusters[i], nil
		}
	}
	if len(names) == 0 {
		return nil, usagef("there is no cluster %q: %s names none; dray ctx add makes one", name, cmp.Or(set.File, "no config file"))
	}
	return nil, usagef("there is no cluster %q%s", name, settings.Suggest(names, name))
}

func (a *app) ctxUseCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "use NAME",
		Short: "Talk to a cluster from now on; embedded is dray's own backend, none forgets the choice",
		Args:  exactArgs(1, "the name of a cluster, embedded or none"),
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			if name != embeddedName && name != contexts.WordNone {
				set, err := a.loaded()
				if err != nil {
					return err
				}
				if _, err := found(set, name); err != nil {
					return err
				}
			}
			if name == contexts.WordNone {
				name = ""
			}
			state, err := a.statePath()
			if err != nil {
				return err
			}
			if err := contexts.Change(state, func(s *contexts.State) { s.Current = name }); err != nil {
				return fmt.Errorf("remember the choice: %w", err)
			}
			for _, v := range []string{"DRAY_CLUSTER", "RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"} {
				if a.getenv(v) != "" {
					fmt.Fprintf(a.stderr, "dray: %s is set here and goes before it\n", v)
					break
				}
			}
			if name == "" {
				fmt.Fprintln(a.stdout, "no cluster is chosen: dray looks for a Ray here, else uses its own backend")
				return nil
			}
			fmt.Fprintf(a.stdout, "dray talks to %s from now on\n", name)
			return nil
		},
	}
}

func (a *app) ctxAddCmd() *cobra.Command {
	var c contexts.Cluster
	var headers []string
	var command string
	cmd := &cobra.Command{
		Use:     "add NAME ADDRESS",
		Short:   "Write a cluster into the config file",
		Example: `  dray ctx add prod https://head.corp:8265 --ca-file corp.pem --header-command 'corp-token --header' --protected`,
		Args:    exactArgs(2, "a name and an address"),
		RunE: func(_ *cobra.Command, args []string) error {
			c.Name, c.Address = args[0], args[1]
			if command != "" {
				c.HeaderCommand = []string{"/bin/sh", "-c", command}
			}
			for _, h := range headers {
				name, value, ok := strings.Cut(h, ":")
				value = strings.TrimSpace(value)
				if !ok || contexts.CheckHeader(name, value) != nil {
					return usagef(`--header is "Name: value"`)
				}
				if c.Headers == nil {
					c.Headers = map[string]string{}
				}
				c.Headers[name] = value
			}
			return a.ctxAdd(c)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&headers, "header", nil, "`header` that goes with every request, as \"Name: value\"; it stands in the config file")
	f.StringVar(&command, "header-command", "", "shell `command` that prints headers, as \"Name: value\" lines")
	f.DurationVar(&c.HeaderTimeout, "header-timeout", 0, "how long that command may take (default 10s)")
	f.StringVar(&c.TokenFile, "token-file", "", "`file` whose first line is the token")
	f.StringVar(&c.TokenEnv, "token-env", "", "`variable` that holds the token")
	f.StringVar(&c.CAFile, "ca-file", "", "`file` with the certificate of the authority that signed the server's")
	f.StringVar(&c.CertFile, "cert-file", "", "`file` with the certificate to show to the server")
	f.StringVar(&c.KeyFile, "key-file", "", "`file` with its key")
	f.BoolVar(&c.SkipVerify, "insecure-skip-verify", false, "believe any certificate")
	f.BoolVar(&c.ReadOnly, "read-only", false, "let nothing be changed from here")
	f.BoolVar(&c.Protected, "protected", false, "want the job's id typed before something is changed")
	f.StringVar(&c.Colour, "colour", "", "`colour` of its name: red, green, yellow, blue, magenta, cyan, white, grey, #rrggbb or 0 to 255")
	return cmd
}

func (a *app) ctxAdd(c contexts.Cluster) error {
	set, err := a.loaded()
	if err != nil {
		return err
	}
	if err := addCluster(set, c); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "cluster %s is in %s\n", c.Name, set.File)
	return nil
}

// addCluster checks a cluster and writes it into the config file.
func addCluster(set *settings.Settings, c contexts.Cluster) error {
	for _, err := range []error{contexts.CheckName(c.Name), contexts.CheckAddress(c.Address), c.Check()} {
		if err != nil {
			return &usageError{err}
		}
	}
	if slices.ContainsFunc(set.Clusters, func(o contexts.Cluster) bool { return o.Name == c.Name }) {
		return usagef("%s: there is a cluster %s already", set.Where("clusters."+c.Name), c.Name)
	}
	if err := settings.AddCluster(set.File, c); err != nil {
		return fmt.Errorf("add the cluster: %w", err)
	}
	return nil
}

func (a *app) ctxRmCmd() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME", Aliases: []string{"remove"},
		Short: "Take a cluster out of the config file",
		Args:  exactArgs(1, "the name of a cluster"),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := a.loaded()
			if err != nil {
				return err
			}
			if _, err := found(set, args[0]); err != nil {
				return err
			}
			if err := a.forget(set, args[0]); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "cluster %s is out of %s\n", args[0], set.File)
			return nil
		},
	}
}

// forget takes a cluster out of the config file, and a choice of it back.
func (a *app) forget(set *settings.Settings, name string) error {
	if err := settings.RemoveCluster(set.File, name); err != nil {
		return fmt.Errorf("remove the cluster: %w", err)
	}
	state, err := a.statePath()
	if err != nil {
		return nil //nolint:nilerr // without a state there is no choice
	}
	return contexts.Change(state, func(s *contexts.State) {
		if s.Current == name {
			s.Current = ""
		}
	})
}
