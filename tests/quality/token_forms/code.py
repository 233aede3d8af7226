"""Tokens of code hosts, package registries and continuous integration."""

import base64
import random
import zlib

from tests.quality.token_forms.assignments import assigned, within
from tests.quality.token_forms.shapes import (
    ALNUM,
    BASE32,
    BASE36,
    DIGITS,
    HEX_UPPER,
    LOWER_NUM,
    SLOT,
    UPPER_NUM,
    URL64,
    Form,
    Maker,
    b64,
    b64url,
    either,
    hexes,
    in_base,
    plain_name,
    random_b64url,
    run,
    seq,
    summed62,
    unix_time,
    uuid,
)

GITHUB = "https://github.blog/engineering/behind-githubs-new-authentication-token-formats/"
GITHUB_SCAN = (
    "https://docs.github.com/en/code-security/reference/secret-security/"
    "supported-secret-scanning-patterns"
)
GITLAB = "https://docs.gitlab.com/security/tokens/#token-prefixes"
GITLAB_ROUTABLE = (
    "https://gitlab.com/gitlab-org/gitlab/-/blob/master/"
    "lib/authn/token_field/generator/routable_token.rb"
)
ATLASSIAN = "https://github.com/praetorian-inc/noseyparker: rules/atlassian.yml, bitbucket.yml"
GITLEAKS = "https://github.com/gitleaks/gitleaks: config/gitleaks.toml"
NPM = "https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/"
PYPI = "https://pypitoken.readthedocs.io/"
SONAR = "https://docs.sonarsource.com/sonarqube-server/user-guide/managing-tokens/"
DOCKER = "https://docs.docker.com/security/access-tokens/"
ARTIFACTORY = "https://jfrog.com/help/r/jfrog-platform-administration-documentation/access-tokens"
SOURCEGRAPH = "https://sourcegraph.com/docs/cli/how-tos/creating-an-access-token"


def fine_grained(rng: random.Random) -> str:
    """GitHub's fine-grained token: 22 characters, 59 more, the last six a checksum."""
    return "github_pat_" + run(ALNUM, 22)(rng) + summed62("_", 59)(rng)


def routable(prefix: str) -> Maker:
    """GitLab's token that says which cell it is for."""

    def make(rng: random.Random) -> str:
        keys = {"c": "1", "g": run(BASE36, 4)(rng), "o": "1", "p": run(BASE36, 5)(rng)}
        keys["u"] = run(BASE36, 5)(rng)
        route = "\n".join(f"{key}:{value}" for key, value in sorted(keys.items()))
        body = b64url(rng.randbytes(16) + route.encode() + bytes((len(route),)))
        whole = f"{prefix}{body}.01.{in_base(len(body), BASE36, 2)}"
        return whole + in_base(zlib.crc32(whole.encode()), BASE36, 7)

    return make


def macaroon(location: str) -> Maker:
    """PyPI's token: a macaroon, version 2, of a user or a project of theirs."""

    def packet(kind: int, data: bytes) -> bytes:
        size = len(data)
        head = bytes((size,)) if size < 128 else bytes((size & 127 | 128, size >> 7))
        return bytes((kind,)) + head + data

    def make(rng: random.Random) -> str:
        caveat = rng.choice(
            (f'[3,"{uuid(rng)}"]', f'[1,["{plain_name(rng)}"]]', f'[2,["{uuid(rng)}"]]')
        )
        data = b"\2" + packet(1, location.encode()) + packet(2, uuid(rng).encode()) + b"\0"
        data += packet(2, caveat.encode()) + b"\0" + packet(2, f"[0,{unix_time(rng)},0]".encode())
        data += b"\0\0" + packet(6, rng.randbytes(32))
        return "pypi-" + b64url(data)

    return make


def reference_token(rng: random.Random) -> str:
    """Artifactory's reference token: base64 of its kind, a time and a random part."""
    return b64(f"reftkn:01:{unix_time(rng)}:{run(ALNUM, 27)(rng)}".encode())


def docker_auth(rng: random.Random) -> str:
    """The `auth` of ~/.docker/config.json: base64 of user and password."""
    return b64(f"{plain_name(rng)}:{run(ALNUM, 24)(rng)}".encode())


DOCKER_CONFIG = '{"auths": {"https://index.docker.io/v1/": {"auth": "' + SLOT + '"}}}'
# What the tokens of the index name as their place, as their published prefix has it.
_HOST = base64.b64decode("cHlwaS5vcmc=").decode()
NPMRC = "//npm.example.com/:_authToken=" + SLOT

FORMS: tuple[Form, ...] = (
    Form("github personal access token", "GitHub", summed62("ghp_", 36), GITHUB),
    Form("github oauth access token", "GitHub", summed62("gho_", 36), GITHUB),
    Form("github user-to-server token", "GitHub", summed62("ghu_", 36), GITHUB),
    Form("github server-to-server token", "GitHub", summed62("ghs_", 36), GITHUB),
    Form("github refresh token", "GitHub", summed62("ghr_", 76), GITHUB),
    Form("github fine-grained token", "GitHub", fine_grained, GITHUB_SCAN),
    Form(
        "github oauth client secret",
        "GitHub",
        hexes(40),
        "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps",
        assigned("github client secret", "gh client secret"),
    ),
    Form("gitlab personal access token", "GitLab", seq("glpat-", run(URL64, 20)), GITLAB),
    Form("gitlab routable access token", "GitLab", routable("glpat-"), GITLAB_ROUTABLE),
    Form("gitlab deploy token", "GitLab", seq("gldt-", run(URL64, 20)), GITLAB),
    Form("gitlab runner token", "GitLab", seq("glrt-", run(URL64, 20)), GITLAB),
    Form(
        "gitlab routable runner token",
        "GitLab",
        either(*(routable(f"glrt-t{kind}_") for kind in "123")),
        GITLAB_ROUTABLE,
    ),
    Form("gitlab job token", "GitLab", seq("glcbt-", run(DIGITS, 2), "_", run(URL64, 20)), GITLAB),
    Form("gitlab trigger token", "GitLab", seq("glptt-", hexes(40)), GITLAB),
    Form("gitlab feed token", "GitLab", seq("glft-", run(URL64, 20)), GITLAB),
    Form("gitlab incoming mail token", "GitLab", seq("glimt-", run(LOWER_NUM, 25)), GITLAB),
    Form("gitlab agent token", "GitLab", seq("glagent-", run(URL64, 50)), GITLAB),
    Form("gitlab scim token", "GitLab", seq("glsoat-", run(URL64, 20)), GITLAB),
    Form("gitlab feature flags token", "GitLab", seq("glffct-", run(URL64, 20)), GITLAB),
    Form("gitlab oauth app secret", "GitLab", seq("gloas-", hexes(64)), GITLAB),
    Form("gitlab runner registration", "GitLab", seq("GR1348941", run(URL64, 20)), GITLAB),
    Form(
        "gitlab session cookie",
        "GitLab",
        hexes(32),
        GITLEAKS,
        within(f"Cookie: _gitlab_session={SLOT}; locale=en"),
        "line",
    ),
    Form(
        "bitbucket app password",
        "Atlassian",
        seq("ATBB", run(ALNUM, 24), run(HEX_UPPER, 8)),
        ATLASSIAN,
    ),
    Form(
        "bitbucket repository token",
        "Atlassian",
        seq("ATCTT3xFfG", "N0", run(URL64, 171), "=", run(HEX_UPPER, 8)),
        "https://github.com/trufflesecurity/trufflehog: pkg/detectors/atlassian/v2",
    ),
    Form("npm access token", "npm", summed62("npm_", 36), NPM),
    Form(
        "npm legacy token",
        "npm",
        uuid,
        "https://docs.npmjs.com/using-private-packages-in-a-ci-cd-workflow",
        within(NPMRC),
        "line",
    ),
    Form("pypi upload token", "PyPI", macaroon(_HOST), PYPI),
    Form("test.pypi upload token", "PyPI", macaroon(f"test.{_HOST}"), PYPI),
    Form(
        "rubygems api key",
        "RubyGems",
        seq("rubygems_", hexes(48)),
        "https://guides.rubygems.org/rubygems-org-api/",
    ),
    Form(
        "crates.io token",
        "crates.io",
        seq("cio", run(ALNUM, 32)),
        "https://github.com/rust-lang/crates.io: src/util/token.rs",
    ),
    Form(
        "nuget api key",
        "NuGet",
        seq("oy2", run(BASE32.lower(), 43)),
        "https://github.com/microsoft/security-utilities: SEC101/031",
    ),
    Form(
        "clojars deploy token",
        "Clojars",
        seq("CLOJARS_", hexes(60)),
        "https://github.com/clojars/clojars-web/wiki/Deploy-Tokens",
    ),
    Form("docker personal token", "Docker", seq("dckr_pat_", run(URL64, 27)), DOCKER),
    Form("docker organization token", "Docker", seq("dckr_oat_", run(URL64, 32)), DOCKER),
    Form(
        "docker registry auth",
        "Docker",
        docker_auth,
        "https://docs.docker.com/reference/cli/docker/login/",
        within(DOCKER_CONFIG),
        "line",
    ),
    Form("artifactory api key", "JFrog", seq("AKCp", run(ALNUM, 69)), ARTIFACTORY),
    Form("artifactory reference token", "JFrog", reference_token, ARTIFACTORY),
    Form(
        "deno deploy token",
        "Deno",
        seq(either("ddp_", "ddw_"), run(ALNUM, 36)),
        "https://github.com/trufflesecurity/trufflehog: pkg/detectors/deno",
    ),
    Form(
        "circleci personal token",
        "CircleCI",
        seq("CCIPAT_", run(ALNUM, 22), "_", hexes(40)),
        "https://circleci.com/docs/managing-api-tokens/",
    ),
    Form(
        "circleci project token",
        "CircleCI",
        hexes(40),
        "https://circleci.com/docs/managing-api-tokens/",
        assigned("circle token", "circleci api token", "circleci token"),
    ),
    Form(
        "buildkite api token",
        "Buildkite",
        seq("bkua_", hexes(40)),
        "https://buildkite.com/docs/apis/managing-api-tokens",
    ),
    Form(
        "harness personal token",
        "Harness",
        seq("pat.", run(URL64, 22), ".", hexes(24), ".", run(ALNUM, 20)),
        "https://developer.harness.io/docs/platform/automation/api/add-and-manage-api-keys",
    ),
    Form(
        "octopus deploy api key",
        "Octopus",
        seq("API-", run(UPPER_NUM, 26)),
        "https://octopus.com/docs/octopus-rest-api/how-to-create-an-api-key",
    ),
    Form(
        "jenkins api token",
        "Jenkins",
        seq("11", hexes(32)),
        "https://www.jenkins.io/blog/2018/07/02/new-api-token-system/",
        assigned("jenkins api token", "jenkins token"),
    ),
    Form(
        "teamcity access token",
        "JetBrains",
        seq(b64(b'{"typ": "TCV2"}'), ".", random_b64url(27), ".", random_b64url(36)),
        "https://github.com/praetorian-inc/noseyparker: rules/teamcity.yml",
    ),
    Form(
        "codecov upload token",
        "Codecov",
        uuid,
        "https://docs.codecov.com/docs/codecov-tokens",
        assigned("codecov token"),
    ),
    Form(
        "travis api token",
        "Travis CI",
        run(ALNUM, 22),
        "https://docs.travis-ci.com/api/#authentication",
        assigned("travis token", "travis api token"),
    ),
    Form(
        "drone ci token",
        "Drone",
        run(ALNUM, 32),
        GITLEAKS,
        assigned("droneci token", "droneci access token"),
    ),
    Form("sonarqube user token", "Sonar", seq("squ_", hexes(40)), SONAR),
    Form("sonarqube project token", "Sonar", seq("sqp_", hexes(40)), SONAR),
    Form("sonarqube analysis token", "Sonar", seq("sqa_", hexes(40)), SONAR),
    Form(
        "snyk api token",
        "Snyk",
        uuid,
        "https://docs.snyk.io/snyk-api/authentication-for-api",
        assigned("snyk token", "snyk api key"),
    ),
    Form("sourcegraph token", "Sourcegraph", seq("sgp_", hexes(16), "_", hexes(40)), SOURCEGRAPH),
    Form("sourcegraph cody token", "Sourcegraph", seq("slk_", hexes(64)), SOURCEGRAPH),
    Form(
        "dependency-track api key",
        "OWASP",
        seq("odt_", run(ALNUM, 32)),
        "https://docs.dependencytrack.org/integrations/rest-api/",
    ),
    Form(
        "prefect api key",
        "Prefect",
        seq("pnu_", run(ALNUM, 36)),
        "https://docs.prefect.io/v3/how-to-guides/cloud/manage-users/api-keys",
    ),
    Form(
        "postman api key",
        "Postman",
        seq("PMAK-", hexes(24), "-", hexes(34)),
        "https://learning.postman.com/docs/developer/postman-api/authentication/",
    ),
    Form(
        "infracost api key",
        "Infracost",
        seq("ico-", run(ALNUM, 32)),
        "https://www.infracost.io/docs/integrations/environment_variables/",
    ),
    Form(
        "readme api key",
        "ReadMe",
        seq("rdme_", run(LOWER_NUM, 70)),
        "https://docs.readme.com/main/reference/intro/authentication",
    ),
)
