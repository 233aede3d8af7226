"""Code hosts, registries of packages, builds and deployment."""

from __future__ import annotations

from engine.quality.secrets.forms.form import ALNUM, APART, HEX, URL64, UUID, form, near

_GITHUB = "docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github"
_GITLAB = "docs.gitlab.com/security/tokens"
_PARTNERS = "docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns"

FORMS = (
    form("github-token", "GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9_]{36,255}", _GITHUB),
    form("github-token", "GitHub", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59,255}", _GITHUB),
    form("github-token", "GitHub", "github_pat_", r"github_pat_[A-Za-z0-9_]{82,255}", _GITHUB),
    form(
        "gitlab-token", "GitLab",
        "glpat- gldt- glrt- glrtr- glptt- glft- glimt- glagent- gloas- glsoat- glffct- glwt- glcbt- GR1348941",
        rf"(?:gl(?:pat|dt|rt|rtr|ptt|ft|imt|agent|oas|soat|ffct|wt)-(?:t[0-9]_)?{URL64}{{20,300}}"
        rf"(?:\.[0-9a-z]{{2}}\.?[0-9a-z]{{7,9}})?|glcbt-(?:[0-9a-zA-Z]{{1,5}}_)?{URL64}{{20,64}}"
        rf"|GR1348941{URL64}{{20,50}})",
        _GITLAB,
    ),
    form("jwt", "JSON Web Token", "eyJ", rf"eyJ{URL64}{{8,8000}}\.eyJ{URL64}{{4,8000}}\.{URL64}{{16,2000}}", "rfc-editor.org/rfc/rfc7519"),
    form("jwt", "JSON Web Encryption", "eyJ", rf"eyJ{URL64}{{8,4000}}\.{URL64}{{0,2000}}\.{URL64}{{8,64}}\.{URL64}{{8,8000}}\.{URL64}{{16,200}}", "rfc-editor.org/rfc/rfc7516"),
    form("gitlab-token", "GitLab", "_gitlab_session=", r"_gitlab_session=[0-9a-z]{32}", _GITLAB),
    form("bitbucket-token", "Bitbucket", "ATBB", r"ATBB[A-Za-z0-9_=.-]{28,64}", "support.atlassian.com/bitbucket-cloud/docs/app-passwords"),
    form("bitbucket-token", "Bitbucket Data Center", "BBDC-", r"BBDC-[A-Za-z0-9+/@_-]{40,50}", "confluence.atlassian.com/bitbucketserver/http-access-tokens"),
    form("atlassian-token", "Atlassian", "ATATT3 ATCTT3 ATSTT3", r"AT[ACS]TT3[A-Za-z0-9_=-]{40,300}", "id.atlassian.com/manage-profile/security/api-tokens"),
    near("atlassian-token", "Atlassian", "atlassian jira confluence", r"[A-Za-z0-9]{24}", "support.atlassian.com/atlassian-account/docs", proof="drawn"),
    form("npm-token", "npm", "npm_", rf"npm_{ALNUM}{{36,40}}", "docs.npmjs.com/about-access-tokens"),
    form("npm-token", "npm", "_authToken=", rf"_authToken=(?P<value>{UUID})", "docs.npmjs.com/cli/configuring-npm/npmrc"),
    form("pypi-token", "PyPI", "pypi-AgEIcHlwaS5vcmc pypi-AgENdGVzdC5weXBpLm9yZw", rf"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw){URL64}{{50,1000}}", "pypi.org/help/#apitoken"),
    form("rubygems-key", "RubyGems", "rubygems_", rf"rubygems_{HEX}{{48}}", "guides.rubygems.org/api-key-scopes"),
    form("crates-token", "crates.io", "cio", rf"cio{ALNUM}{{32}}", "crates.io/settings/tokens", proof="drawn"),
    form("nuget-key", "NuGet", "oy2", r"oy2[a-z2-7]{43}", "learn.microsoft.com/nuget/nuget-org/scoped-api-keys"),
    form("clojars-token", "Clojars", "CLOJARS_", r"CLOJARS_[a-z0-9]{60}", "github.com/clojars/clojars-web/wiki/Deploy-Tokens"),
    form("docker-token", "Docker Hub", "dckr_pat_ dckr_oat_", rf"dckr_[po]at_{URL64}{{24,64}}", "docs.docker.com/security/access-tokens"),
    form("artifactory-key", "JFrog", "AKC AP", rf"AKCp{ALNUM}{{60,75}}", "jfrog.com/help/r/jfrog-platform-administration-documentation/api-key"),
    form("artifactory-token", "JFrog", "cmVmdGtu", rf"cmVmdGtu{ALNUM}{{56}}", "jfrog.com/help/r/jfrog-platform-administration-documentation/reference-tokens"),
    near("artifactory-key", "JFrog", "jfrog artifactory", rf"{ALNUM}{{64}}|{ALNUM}{{73}}", _PARTNERS, proof="drawn"),
    form("sourcegraph-token", "Sourcegraph", "sgp_ slk_", rf"sgp_(?:(?:{HEX}{{16}}|local)_)?{HEX}{{40}}|slk_{HEX}{{64}}", "sourcegraph.com/docs/cli/how-tos/creating_an_access_token"),
    form("circleci-token", "CircleCI", "CCIPAT_ CCIPRJ_", rf"CCIP(?:AT|RJ)_{ALNUM}{{22}}_{HEX}{{40}}", "circleci.com/docs/managing-api-tokens"),
    near("circleci-token", "CircleCI", "circleci circle_ci circle-token", rf"{HEX}{{40}}", "circleci.com/docs/managing-api-tokens"),
    form("buildkite-token", "Buildkite", "bkua_ bkat_ bkct_", r"bk(?:ua|at|ct)_[A-Za-z0-9]{40,64}", "buildkite.com/docs/apis/managing-api-tokens"),
    near("travis-token", "Travis CI", "travis", r"[A-Za-z0-9_-]{22}", "docs.travis-ci.com/user/triggering-builds", proof="drawn"),
    near("codecov-token", "Codecov", "codecov", rf"{UUID}|[a-z0-9]{{32}}", "docs.codecov.com/docs/codecov-tokens"),
    near("droneci-token", "Drone", "drone", r"[A-Za-z0-9]{32}", "docs.drone.io/api/overview", proof="drawn"),
    form("octopus-key", "Octopus Deploy", "API-", r"API-[A-Z0-9]{25,36}", "octopus.com/docs/octopus-rest-api/how-to-create-an-api-key", proof="drawn"),
    form("harness-key", "Harness", "pat. sat.", rf"[ps]at\.{URL64}{{22}}\.{HEX}{{24}}\.{ALNUM}{{20}}", "developer.harness.io/docs/platform/automation/api/add-and-manage-api-keys"),
    form("terraform-token", "Terraform Cloud", ".atlasv1.", rf"{ALNUM}{{14}}\.atlasv1\.[A-Za-z0-9_=-]{{60,70}}", "developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens"),
    form("vault-token", "Vault", "hvs. hvb. hvr.", rf"hv[sbr]\.{URL64}{{24,512}}", "developer.hashicorp.com/vault/docs/concepts/tokens"),
    form("vault-token", "Vault", "s. b. r.", rf"{APART}[sbr]\.[A-Za-z0-9]{{24}}(?![\-_(]|\.\w)", "developer.hashicorp.com/vault/docs/concepts/tokens", proof="drawn"),
    form("doppler-token", "Doppler", "dp.", r"dp\.(?:pt|ct|sa|scim|audit|said|st(?:\.[a-z0-9_-]{2,35})?)\.[A-Za-z0-9]{40,44}", "docs.doppler.com/reference/auth-token-formats"),
    form("pulumi-token", "Pulumi", "pul-", rf"pul-{HEX}{{40}}", "www.pulumi.com/docs/pulumi-cloud/access-management/access-tokens"),
    form("infracost-key", "Infracost", "ico-", rf"ico-{ALNUM}{{32}}", "www.infracost.io/docs"),
    form("prefect-token", "Prefect", "pnu_ pnb_", rf"pn[ub]_{ALNUM}{{36}}", "docs.prefect.io/latest/cloud/users/api-keys"),
    form("dbt-token", "dbt Cloud", "dbtc_ dbtu_", rf"dbt[cu]_{URL64}{{40,64}}", "docs.getdbt.com/docs/dbt-cloud-apis/service-tokens"),
    form("sonar-token", "SonarQube", "squ_ sqp_ sqa_ sqb_ sqco_", rf"sq[upab]_{HEX}{{40}}|sqco_{ALNUM}{{59}}", "docs.sonarsource.com/sonarqube-server/user-guide/managing-tokens"),
    near("sonar-token", "SonarQube", "sonar", rf"{HEX}{{40}}", "docs.sonarsource.com/sonarqube-server/user-guide/managing-tokens"),
    form("snyk-token", "Snyk", "snyk_", rf"snyk_(?:uat|sat)\.{HEX}{{8}}\.{URL64}{{20,300}}(?:\.{URL64}{{20,120}})?", "docs.snyk.io/snyk-api/authentication-for-api"),
    near("snyk-token", "Snyk", "snyk", UUID, "docs.snyk.io/snyk-api/authentication-for-api"),
    form("onepassword-token", "1Password", "ops_eyJ", r"ops_eyJ[A-Za-z0-9+/_-]{200,1200}={0,3}", "developer.1password.com/docs/service-accounts"),
    form("onepassword-key", "1Password", "A3-", r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}", "support.1password.com/secret-key-security"),
    form("age-key", "age", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", "github.com/C2SP/C2SP/blob/main/age.md"),
    form("tailscale-key", "Tailscale", "tskey-", r"tskey-[a-z]{2,12}-[0-9A-Za-z_]{8,32}-[0-9A-Za-z_]{20,64}|tskey-[0-9a-f]{20,32}", "tailscale.com/kb/1085/auth-keys"),
    form("ngrok-token", "ngrok", "ak_ ngrok", rf"(?<=[=: \"'`])2[A-Za-z0-9]{{26}}_{ALNUM}{{20,24}}", "ngrok.com/docs/agent", proof="drawn"),
    near("ngrok-token", "ngrok", "ngrok", rf"{ALNUM}{{20,32}}_{ALNUM}{{20,24}}|[0-9][A-Za-z0-9]{{42,52}}", "ngrok.com/docs/agent", proof="drawn"),
    near("wireguard-key", "WireGuard", "privatekey presharedkey", r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", "www.wireguard.com/quickstart"),
    form("retool-token", "Retool", "retool_", r"retool_[0-9a-z]{26,40}", "docs.retool.com/reference/apis/authentication"),
    form("openshift-token", "OpenShift", "sha256~", rf"sha256~{URL64}{{43}}", "docs.openshift.com/container-platform/latest/authentication"),
    form("jenkins-token", "Jenkins", "11", rf"(?<=[=: \"'`])11{HEX}{{32}}(?!{HEX})", "www.jenkins.io/doc/book/system-administration/authenticating-scripted-clients", proof="drawn"),
    form("clickhouse-key", "ClickHouse Cloud", "4b1d", rf"4b1d{ALNUM}{{38}}", "clickhouse.com/docs/cloud/manage/openapi"),
    form("scalingo-token", "Scalingo", "tk-us-", rf"tk-us-{URL64}{{48}}", "developers.scalingo.com"),
    form("ory-token", "Ory", "ory_", rf"ory_(?:pat|at|rt|ac|apikey)_{URL64}{{30,128}}(?:\.{URL64}{{30,64}})?", "www.ory.sh/docs/concepts/personal-access-token"),
    form("gitea-token", "Gitea", "gta_", rf"gta_{ALNUM}{{40}}", "docs.gitea.com/development/api-usage"),
    near("gitea-token", "Gitea and Forgejo", "gitea forgejo codeberg", rf"{HEX}{{40}}", "docs.gitea.com/development/api-usage"),
)  # fmt: skip
