/* export/kubernetes.c - a Pod with its security context, a NetworkPolicy, and the profiles that the
 * security-profiles-operator installs on every node.
 * Source: the API references of Kubernetes 1.30 and of the operator (SeccompProfile v1, AppArmorProfile
 * v1); both refuse members that they do not know, so SeccompProfile has no comments. */
#include "export/export.h"
#include "base/path.h"
#include "policy/capabilities.h"

#include <string.h>

static const struct setting_row settings[] = {
	{ SETTING_COMMAND, EXACTNESS_EXACT, NULL },
	{ SETTING_DIRECTORY, EXACTNESS_EXACT, NULL },
	{ SETTING_DNS, EXACTNESS_EXACT, NULL },
	{ SETTING_ENVIRONMENT, EXACTNESS_COARSE, "what is set is set; nothing of the caller is passed" },
	{ SETTING_HOSTNAME, EXACTNESS_EXACT, NULL },
	{ SETTING_PUBLISH, EXACTNESS_COARSE, "opened in the NetworkPolicy; a Service must publish it" },
	{ SETTING_USER, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_MEMORY, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_CPU, EXACTNESS_EXACT, NULL },
	{ SETTING_LIMITS + LIMIT_DISK, EXACTNESS_COARSE, "wider: of each temporary place, not of all together" },
	{ SETTING_LIMITS + LIMIT_TIMEOUT, EXACTNESS_EXACT, NULL },
	{ 0, EXACTNESS_NONE, NULL },
};

static void line(struct strbuf *out, unsigned depth, const char *text, const char *origin)
{
	strbuf_addf(out, "%*s%s%s%s\n", (int)depth * 2, "", text, origin ? " # " : "", origin ? origin : "");
}

static void scalar(const struct export *e, struct strbuf *out, unsigned depth, const char *key, const char *value,
		   const char *origin)
{
	line(out, depth, arena_printf(e->arena, "%s: %s", key, export_yaml_text(e->arena, value)), origin);
}

static void header(const struct export *e, struct strbuf *out, const char *version, const char *kind,
		   const char *name)
{
	strbuf_addf(out, "apiVersion: %s\nkind: %s\nmetadata:\n", version, kind);
	scalar(e, out, 1, "name", name, NULL);
}

/* ---- answers ---- */

static struct claim express_file(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];

	if (rule->effect == EFFECT_LOG)
		return express_log(e, index);
	if (rule->effect == EFFECT_DENY)
		return say_coarse("apparmor", "wider where the nodes have no AppArmor, or the operator's profile instead of NAME.apparmor");
	return express_runnable(e, index);
}

static struct claim express_device(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	const struct glob_alternative *a;
	size_t count = glob_alternatives(rule->glob, &a);

	for (size_t i = 0; i < count; i++)
		if (rule->effect == EFFECT_ALLOW && !(a[i].is_literal && export_is_default_device(a[i].prefix)))
			return say_none("devices come from a device plugin of the cluster");
	return express_container_device(e, index);
}

static struct claim express_network(const struct export *e, size_t index)
{
	const struct rule *rule = &e->policy->rules[index];
	const struct endpoint *to = rule->endpoint;
	bool any_port = to->first_port == 0 && to->last_port == UINT16_MAX;

	if (e->reach == REACH_HOST || to->form == HOST_LOOPBACK || to->access == ACCESS_LISTEN || to->form >= HOST_HOST)
		return express_namespace(e, index);
	if (to->access == ACCESS_RESOLVE)
		return rule->effect == EFFECT_ALLOW ?
			say_coarse("networkpolicy", "wider: port 53 of the cluster's name servers, for every name") :
			say_none("a NetworkPolicy knows no names");
	if (to->form == HOST_NAME || to->form == HOST_SUFFIX)
		return say_none("a NetworkPolicy knows addresses, not names");
	if (to->icmp)
		return say_none("a NetworkPolicy knows TCP and UDP only");
	if (rule->effect == EFFECT_ALLOW || any_port)
		return say_exact("networkpolicy", "where the cluster's network enforces it");
	return say_none("a port inside of an allowed network cannot be left out");
}

/* ---- the pod ---- */

static bool is_volume(const struct export_mount *m)
{
	return (m->kind == MOUNT_BIND && !m->is_device) || (m->kind == MOUNT_TMPFS && !str_equal(m->target, "/dev/shm"));
}

static void add_volume_mounts(const struct export *e, struct strbuf *out)
{
	for (size_t i = 0, number = 0; i < e->mount_list.count; i++) {
		const struct export_mount *m = &e->mount_list.items[i];

		if (!is_volume(m))
			continue;
		if (!number)
			line(out, 3, "volumeMounts:", NULL);
		line(out, 4, arena_printf(e->arena, "- name: \"v%zu\"", number++), export_origin(e, m->origin));
		scalar(e, out, 5, "mountPath", m->target, NULL);
		if (m->kind == MOUNT_BIND && m->attributes & PLAN_READ_ONLY)
			line(out, 5, "readOnly: true", NULL);
	}
}

static void add_volumes(const struct export *e, struct strbuf *out)
{
	uint64_t size;

	for (size_t i = 0, number = 0; i < e->mount_list.count; i++) {
		const struct export_mount *m = &e->mount_list.items[i];

		if (!is_volume(m))
			continue;
		if (!number)
			line(out, 1, "volumes:", NULL);
		line(out, 2, arena_printf(e->arena, "- name: \"v%zu\"", number++), export_origin(e, m->origin));
		if (m->kind == MOUNT_BIND) {
			line(out, 3, "hostPath:", NULL);
			scalar(e, out, 4, "path", m->source, NULL);
		} else {
			line(out, 3, "emptyDir:", NULL);
			scalar(e, out, 4, "medium", "Memory", NULL);
			if (export_limit(e, LIMIT_DISK, &size))
				scalar(e, out, 4, "sizeLimit", arena_printf(e->arena, "%llu", (unsigned long long)size),
				       export_limit_origin(e, LIMIT_DISK));
		}
	}
}

static void add_container_security(const struct export *e, struct strbuf *out)
{
	const char *const *capabilities;
	size_t kept = export_capabilities(e, "", &capabilities);

	line(out, 3, "securityContext:", NULL);
	line(out, 4, "allowPrivilegeEscalation: false", "cuddy");
	line(out, 4, "privileged: false", "cuddy");
	line(out, 4, "readOnlyRootFilesystem: true", "cuddy");
	line(out, 4, "capabilities:", NULL);
	line(out, 5, "drop: [\"ALL\"]", "cuddy");
	if (kept)
		line(out, 5, "add:", NULL);
	for (size_t i = 0; i < kept; i++)
		line(out, 6, arena_printf(e->arena, "- \"%s\"", capabilities[i]), "runtime");
}

static void add_list(const struct export *e, struct strbuf *out, unsigned depth, const char *key,
		     const struct text_list *list)
{
	if (list->count)
		line(out, depth, arena_printf(e->arena, "%s:", key), NULL);
	for (size_t i = 0; i < list->count; i++)
		line(out, depth + 1, arena_printf(e->arena, "- %s", export_yaml_doubled(e->arena, list->items[i].value)),
		     export_origin(e, list->items[i].origin));
}

static void add_container(const struct export *e, struct strbuf *out, const char *name)
{
	const struct policy *p = e->policy;
	uint64_t value;

	line(out, 1, "containers:", NULL);
	line(out, 2, arena_printf(e->arena, "- name: %s", export_yaml_text(e->arena, name)), NULL);
	scalar(e, out, 3, "image", e->image, "--image");
	add_list(e, out, 3, "command", &p->command);
	if (p->working_directory.value)
		scalar(e, out, 3, "workingDir", p->working_directory.value, export_origin(e, p->working_directory.origin));
	if (p->set.count)
		line(out, 3, "env:", NULL);
	for (size_t i = 0; i < p->set.count; i++) {
		line(out, 4, arena_printf(e->arena, "- name: %s", export_yaml_text(e->arena, p->set.items[i].name)),
		     export_origin(e, p->set.items[i].origin));
		line(out, 5, arena_printf(e->arena, "value: %s", export_yaml_doubled(e->arena, p->set.items[i].value)), NULL);
	}
	line(out, 3, "resources:", NULL);
	line(out, 4, "limits:", NULL);
	if (export_limit(e, LIMIT_MEMORY, &value))
		scalar(e, out, 5, "memory", arena_printf(e->arena, "%llu", (unsigned long long)value),
		       export_limit_origin(e, LIMIT_MEMORY));
	if (export_limit(e, LIMIT_CPU, &value))
		scalar(e, out, 5, "cpu", arena_printf(e->arena, "%llum", (unsigned long long)value * 10),
		       export_limit_origin(e, LIMIT_CPU));
	add_container_security(e, out);
	add_volume_mounts(e, out);
}

static void add_pod_security(const struct export *e, struct strbuf *out, const char *name)
{
	const char *origin = export_origin(e, e->policy->user_as.origin);
	uid_t uid;
	gid_t gid;

	line(out, 1, "securityContext:", NULL);
	if (export_user(e, &uid, &gid) && e->policy->user_as.value) {
		line(out, 2, arena_printf(e->arena, "runAsUser: %u", uid), origin);
		line(out, 2, arena_printf(e->arena, "runAsGroup: %u", gid), origin);
	}
	line(out, 2, str_equal(e->policy->user_as.value, "root") ? "runAsNonRoot: false" : "runAsNonRoot: true", origin);
	line(out, 2, "seccompProfile:", "runtime");
	line(out, 3, "type: Localhost", NULL);
	scalar(e, out, 3, "localhostProfile", arena_printf(e->arena, "operator/%s.json", name), NULL);
	line(out, 2, "appArmorProfile:", "filesystem");
	line(out, 3, "type: Localhost", NULL);
	scalar(e, out, 3, "localhostProfile", arena_printf(e->arena, "cuddy.%s", name), NULL);
}

static void write_pod(struct export *e, const char *name)
{
	struct strbuf *out = export_file(e, arena_printf(e->arena, "%s.pod.yaml", name), 0644);
	const struct policy *p = e->policy;
	uint64_t value;

	export_heading(e, out, "#");
	header(e, out, "v1", "Pod", name);
	line(out, 1, "labels:", NULL);
	scalar(e, out, 2, "app.kubernetes.io/name", name, NULL);
	line(out, 0, "spec:", NULL);
	line(out, 1, "automountServiceAccountToken: false", "cuddy");
	line(out, 1, "enableServiceLinks: false", "cuddy");
	line(out, 1, arena_printf(e->arena, "hostNetwork: %s", e->reach == REACH_HOST ? "true" : "false"), "networking");
	line(out, 1, "hostUsers: false", "cuddy");
	if (p->hostname.value)
		scalar(e, out, 1, "hostname", p->hostname.value, export_origin(e, p->hostname.origin));
	if (export_limit(e, LIMIT_TIMEOUT, &value))
		line(out, 1, arena_printf(e->arena, "activeDeadlineSeconds: %llu", (unsigned long long)value),
		     export_limit_origin(e, LIMIT_TIMEOUT));
	if (p->dns.count) {
		line(out, 1, "dnsPolicy: None", NULL);
		line(out, 1, "dnsConfig:", NULL);
		add_list(e, out, 2, "nameservers", &p->dns);
	}
	add_pod_security(e, out, name);
	add_container(e, out, name);
	add_volumes(e, out);
}

/* ---- the network policy ---- */

static void add_ports(const struct export *e, struct strbuf *out, const struct endpoint *to)
{
	static const struct { unsigned access; const char *name; } protocols[] = {
		{ ACCESS_CONNECT, "TCP" }, { ACCESS_SEND, "UDP" },
	};

	line(out, 3, "ports:", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (!(to->access & protocols[i].access))
			continue;
		line(out, 4, arena_printf(e->arena, "- protocol: %s", protocols[i].name), NULL);
		if (to->first_port != 0 || to->last_port != UINT16_MAX) {
			line(out, 5, arena_printf(e->arena, "port: %u", to->first_port ? to->first_port : 1), NULL);
			line(out, 5, arena_printf(e->arena, "endPort: %u", to->last_port), NULL);
		}
	}
}

/* Networks that are cut out of `network` ("0.0.0.0/0", "::/0", or the one that the rule names). */
static void add_excepted(const struct export *e, struct strbuf *out, const struct rule *allow, const char *network)
{
	static const enum host_form local[] = { HOST_LAN, HOST_LOOPBACK };
	bool is_ipv6 = strchr(network, ':'), first = true;
	VEC(const char *) list = { 0 };
	const char *text;

	for (size_t k = 0; k < ARRAY_SIZE(local) && allow->endpoint->form == HOST_INTERNET; k++)
		for (size_t i = 0; (text = endpoint_word_network(e->arena, local[k], i)); i++)
			*vec_push(e->arena, &list) = text;
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *deny = &e->policy->rules[i];
		const char *const *networks;
		size_t count;

		if (deny->kind != KIND_NETWORK || deny->effect != EFFECT_DENY || e->claims[i].exactness != EXACTNESS_EXACT ||
		    deny->endpoint->access == ACCESS_LISTEN || !endpoint_covers(allow->endpoint, deny->endpoint))
			continue;
		count = export_networks(e, deny->endpoint, &networks);
		for (size_t n = 0; n < count; n++)
			*vec_push(e->arena, &list) = networks[n];
	}
	for (size_t i = 0; i < list.count; i++) {
		if ((strchr(list.items[i], ':') != NULL) != is_ipv6)
			continue;
		if (first)
			line(out, 6, "except:", NULL);
		first = false;
		line(out, 7, arena_printf(e->arena, "- \"%s\"", list.items[i]), NULL);
	}
}

static void add_block(const struct export *e, struct strbuf *out, const struct rule *rule, const char *network)
{
	line(out, 4, "- ipBlock:", NULL);
	scalar(e, out, 6, "cidr", network, NULL);
	add_excepted(e, out, rule, network);
}

static void add_egress(const struct export *e, struct strbuf *out, const struct rule *rule)
{
	const char *const *networks;
	size_t count = export_networks(e, rule->endpoint, &networks);

	line(out, 2, "- to:", export_rule_origin(e, rule));
	for (size_t i = 0; i < count; i++) {
		if (str_equal(networks[i], "any")) {
			add_block(e, out, rule, "0.0.0.0/0");
			add_block(e, out, rule, "::/0");
		} else {
			add_block(e, out, rule, networks[i]);
		}
	}
	add_ports(e, out, rule->endpoint);
}

static void add_resolver(const struct export *e, struct strbuf *out, const struct rule *rule)
{
	static const char *const lines[] = {
		"    - namespaceSelector:", "        matchLabels:", "          kubernetes.io/metadata.name: kube-system",
		"      podSelector:", "        matchLabels:", "          k8s-app: kube-dns",
		"  ports:", "    - {protocol: UDP, port: 53}", "    - {protocol: TCP, port: 53}",
	};

	line(out, 2, "- to:", export_rule_origin(e, rule));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		line(out, 2, lines[i], NULL);
}

/* "127.0.0.1:8080:80/tcp" opens port 80 of the cage. */
static void add_ingress(const struct export *e, struct strbuf *out)
{
	for (size_t i = 0; i < e->policy->publish.count; i++) {
		const struct text_setting *set = &e->policy->publish.items[i];
		const char *colon = strrchr(set->value, ':'), *port = colon ? colon + 1 : set->value;

		if (i == 0)
			line(out, 1, "ingress:", NULL);
		line(out, 2, "- ports:", export_origin(e, set->origin));
		line(out, 4, arena_printf(e->arena, "- {protocol: %s, port: %.*s}", str_ends(port, "/udp") ? "UDP" : "TCP",
					  (int)strspn(port, "0123456789"), port), NULL);
	}
}

static void write_network_policy(struct export *e, const char *name)
{
	struct strbuf *out = export_file(e, arena_printf(e->arena, "%s.networkpolicy.yaml", name), 0644);
	bool first = true, resolves = false;

	strbuf_addf(out, "# Made by 'cuddy export --to kubernetes'; what is lost stands in %s.pod.yaml.\n", name);
	header(e, out, "networking.k8s.io/v1", "NetworkPolicy", name);
	line(out, 0, "spec:", NULL);
	line(out, 1, "podSelector:", NULL);
	line(out, 2, "matchLabels:", NULL);
	scalar(e, out, 3, "app.kubernetes.io/name", name, NULL);
	line(out, 1, "policyTypes: [\"Ingress\", \"Egress\"]", NULL);
	add_ingress(e, out);
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *rule = &e->policy->rules[i];
		const char *const *networks;
		bool is_dns;

		if (rule->kind != KIND_NETWORK || rule->effect != EFFECT_ALLOW || rule->endpoint->access == ACCESS_LISTEN ||
		    rule->endpoint->form == HOST_LOOPBACK || rule->endpoint->icmp || export_is_overruled(e, rule))
			continue;
		is_dns = rule->endpoint->access == ACCESS_RESOLVE;
		if (is_dns ? resolves : !export_networks(e, rule->endpoint, &networks))
			continue;
		if (first)
			line(out, 1, "egress:", NULL);
		first = false;
		resolves = resolves || is_dns;
		if (is_dns)
			add_resolver(e, out, rule);
		else
			add_egress(e, out, rule);
	}
}

/* ---- the operator's objects ---- */

static void write_seccomp(struct export *e, const char *name)
{
	struct strbuf *out = export_file(e, arena_printf(e->arena, "%s.seccompprofile.json", name), 0644);
	struct json json = { .out = out };

	json_object(&json, NULL);
	json_string(&json, "apiVersion", "security-profiles-operator.x-k8s.io/v1");
	json_string(&json, "kind", "SeccompProfile");
	json_object(&json, "metadata");
	json_string(&json, "name", name);
	json_end_object(&json);
	export_seccomp_json(e, &json, "spec", SECCOMP_OPERATOR);
	json_end_object(&json);
	strbuf_add(out, "\n");
}

/* What the operator takes as a path: no braces, classes or quotes. */
static bool is_operator_path(const char *text)
{
	return *text == '/' && !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./*?+@ -")];
}

/* A list of paths, each once, of the rules that allow `wanted` and none of `unwanted`.  The first list of a group
 * begins it: an empty one is refused. */
static void add_paths(const struct export *e, struct strbuf *out, const char **group, const char *key, unsigned wanted,
		      unsigned unwanted)
{
	VEC(const char *) seen = { 0 };

	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *rule = &e->policy->rules[i];
		bool is_device = rule->kind == KIND_DEVICE;
		unsigned access = is_device ? ACCESS_READ | ACCESS_WRITE : rule->access;
		const struct glob_alternative *a;
		size_t count;

		if ((rule->kind != KIND_FILE && !is_device) || rule->effect != EFFECT_ALLOW || !(access & wanted) ||
		    access & unwanted)
			continue;
		count = glob_alternatives(rule->glob, &a);
		for (size_t k = 0; k < count; k++) {
			bool known = !is_operator_path(a[k].text);

			for (size_t n = 0; n < seen.count; n++)
				known = known || str_equal(seen.items[n], a[k].text);
			if (known)
				continue;
			if (*group)
				line(out, 2, *group, NULL);
			*group = NULL;
			if (!seen.count)
				line(out, 3, arena_printf(e->arena, "%s:", key), NULL);
			*vec_push(e->arena, &seen) = a[k].text;
			line(out, 4, arena_printf(e->arena, "- %s", export_yaml_text(e->arena, a[k].text)),
			     export_rule_origin(e, rule));
		}
	}
}

static void add_protocols(const struct export *e, struct strbuf *out)
{
	unsigned access = 0;
	bool raw = false;

	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct rule *rule = &e->policy->rules[i];

		if (rule->kind != KIND_NETWORK || rule->effect != EFFECT_ALLOW)
			continue;
		access |= rule->endpoint->access;
		raw = raw || rule->endpoint->icmp;
	}
	line(out, 2, "network:", NULL);
	line(out, 3, arena_printf(e->arena, "allowRaw: %s", raw ? "true" : "false"), NULL);
	line(out, 3, "allowedProtocols:", NULL);
	line(out, 4, arena_printf(e->arena, "allowTcp: %s", access & (ACCESS_CONNECT | ACCESS_LISTEN) ? "true" : "false"), NULL);
	line(out, 4, arena_printf(e->arena, "allowUdp: %s", access & (ACCESS_SEND | ACCESS_LISTEN | ACCESS_RESOLVE) ?
				  "true" : "false"), NULL);
}

/* The operator's profiles are lists of what is allowed.  What that can't say stands in the whole profile, of the
 * same name, for nodes that load it themselves. */
static void write_apparmor(struct export *e, const char *name)
{
	const char *file = arena_printf(e->arena, "%s.apparmor", name), *run = "executable:", *read = "filesystem:";
	struct strbuf *out;

	export_apparmor(e, export_file(e, file, 0644), false);
	out = export_file(e, arena_printf(e->arena, "%s.apparmorprofile.yaml", name), 0644);
	strbuf_addf(out, "# Weaker than %s, which the nodes can load in its place: there are no denies here.\n", file);
	header(e, out, "security-profiles-operator.x-k8s.io/v1", "AppArmorProfile", arena_printf(e->arena, "cuddy.%s", name));
	line(out, 0, "spec:", NULL);
	line(out, 1, "mode: Enforce", NULL);
	line(out, 1, "abstract:", NULL);
	add_protocols(e, out);
	add_paths(e, out, &run, "allowedExecutables", ACCESS_EXECUTE, 0);
	add_paths(e, out, &run, "allowedLibraries", ACCESS_EXECUTE, 0);
	add_paths(e, out, &read, "readOnlyPaths", ACCESS_READ, ACCESS_WRITE);
	add_paths(e, out, &read, "readWritePaths", ACCESS_WRITE, 0);
	if (!e->capabilities)
		return;
	line(out, 2, "capability:", NULL);
	line(out, 3, "allowedCapabilities:", NULL);
	for (unsigned i = 0; i < CAPABILITY_COUNT; i++)
		if (e->capabilities >> i & 1)
			line(out, 4, arena_printf(e->arena, "- %s", capability_name(i)), NULL);
}

static int write(struct export *e)
{
	const char *name = export_name(e);

	write_pod(e, name);
	write_network_policy(e, name);
	write_seccomp(e, name);
	write_apparmor(e, name);
	return 0;
}

const struct export_target target_kubernetes = {
	"kubernetes", "a Pod, a NetworkPolicy and the profiles of the security-profiles-operator",
	"NAME.pod.yaml NAME.networkpolicy.yaml NAME.seccompprofile.json NAME.apparmorprofile.yaml NAME.apparmor", true, false,
	{ express_file, express_network, express_filter, express_capability, express_device, express_no_bus },
	settings, write,
};
