"""Keys of model hosts and of what is used beside them."""

from tests.quality.token_forms.assignments import assigned
from tests.quality.token_forms.shapes import (
    ALNUM,
    LETTERS,
    LOWER_NUM,
    URL64,
    WORD,
    Form,
    Maker,
    either,
    hexes,
    run,
    seq,
    uuid,
)

OPENAI_FORM = "https://github.com/gitleaks/gitleaks: config/gitleaks.toml, openai-api-key"
ANTHROPIC = "https://docs.anthropic.com/en/api/getting-started"
ANTHROPIC_FORM = "https://github.com/gitleaks/gitleaks: config/gitleaks.toml, anthropic-api-key"
HUGGING_FACE = "https://huggingface.co/docs/hub/security-tokens"
LANGSMITH = "https://docs.smith.langchain.com/administration/how_to_guides/create_account_api_key"
TRUFFLEHOG = "https://github.com/trufflesecurity/trufflehog: pkg/detectors/"


def openai(kind: str) -> Maker:
    """OpenAI's key: the base64 of `OpenAI` stands between two equal parts."""
    return either(
        *(seq(f"sk-{kind}-", run(URL64, side), "T3BlbkFJ", run(URL64, side)) for side in (58, 74))
    )


def anthropic(kind: str) -> Maker:
    """Anthropic's key: 93 characters of base64 for URLs, and two of padding."""
    return seq(f"sk-ant-{kind}-", run(URL64, 93), "AA")


FORMS: tuple[Form, ...] = (
    Form(
        "openai old key",
        "OpenAI",
        seq("sk-", run(ALNUM, 20), "T3BlbkFJ", run(ALNUM, 20)),
        OPENAI_FORM,
    ),
    Form("openai project key", "OpenAI", openai("proj"), OPENAI_FORM),
    Form("openai service account key", "OpenAI", openai("svcacct"), OPENAI_FORM),
    Form("openai admin key", "OpenAI", openai("admin"), OPENAI_FORM),
    Form("anthropic api key", "Anthropic", anthropic("api03"), ANTHROPIC_FORM),
    Form("anthropic admin key", "Anthropic", anthropic("admin01"), ANTHROPIC_FORM),
    Form("anthropic oauth token", "Anthropic", anthropic("oat01"), ANTHROPIC),
    Form(
        "groq key",
        "Groq",
        seq("gsk_", run(ALNUM, 20), "WGdyb3FY", run(ALNUM, 24)),
        "https://console.groq.com/docs/quickstart; " + TRUFFLEHOG + "groq",
    ),
    Form(
        "replicate token",
        "Replicate",
        seq("r8_", run(ALNUM, 37)),
        "https://replicate.com/docs/reference/http#authentication",
    ),
    Form(
        "perplexity key",
        "Perplexity",
        seq("pplx-", run(ALNUM, 48)),
        "https://docs.perplexity.ai/guides/getting-started",
    ),
    Form("xai key", "xAI", seq("xai-", run(ALNUM, 80)), "https://docs.x.ai/docs/tutorial"),
    Form("hugging face token", "Hugging Face", seq("hf_", run(LETTERS, 34)), HUGGING_FACE),
    Form("hugging face org token", "Hugging Face", seq("api_org_", run(LETTERS, 34)), HUGGING_FACE),
    Form(
        "openrouter key",
        "OpenRouter",
        seq("sk-or-v1-", hexes(64)),
        "https://openrouter.ai/docs/api-reference/authentication",
    ),
    Form(
        "deepseek key",
        "DeepSeek",
        seq("sk-", hexes(32)),
        "https://api-docs.deepseek.com/; " + TRUFFLEHOG + "deepseek",
        assigned("deepseek api key"),
    ),
    Form(
        "cohere key",
        "Cohere",
        run(ALNUM, 40),
        "https://docs.cohere.com/reference/about",
        assigned("cohere api key", "co api key"),
    ),
    Form(
        "mistral key",
        "Mistral",
        run(ALNUM, 32),
        "https://docs.mistral.ai/getting-started/quickstart/",
        assigned("mistral api key"),
    ),
    Form(
        "together key",
        "Together",
        hexes(64),
        "https://docs.together.ai/docs/quickstart",
        assigned("together api key"),
    ),
    Form(
        "stability key",
        "Stability",
        seq("sk-", run(ALNUM, 48)),
        "https://platform.stability.ai/docs/getting-started/authentication",
    ),
    Form(
        "cerebras key",
        "Cerebras",
        seq("csk-", run(LOWER_NUM, 48)),
        "https://inference-docs.cerebras.ai/quickstart",
    ),
    Form(
        "voyage key",
        "Voyage AI",
        seq("pa-", run(URL64, 43)),
        "https://docs.voyageai.com/docs/api-key-and-installation",
        assigned("voyage api key"),
    ),
    Form(
        "nvidia key",
        "NVIDIA",
        seq("nvapi-", run(URL64, 64)),
        "https://docs.api.nvidia.com/; " + TRUFFLEHOG + "nvapi",
    ),
    Form(
        "elevenlabs key",
        "ElevenLabs",
        seq("sk_", hexes(48)),
        "https://elevenlabs.io/docs/api-reference/authentication",
    ),
    Form(
        "assemblyai key",
        "AssemblyAI",
        hexes(32),
        "https://www.assemblyai.com/docs/api-reference/overview",
        assigned("assemblyai api key"),
    ),
    Form(
        "deepgram key",
        "Deepgram",
        hexes(40),
        "https://developers.deepgram.com/docs/create-additional-api-keys",
        assigned("deepgram api key"),
    ),
    Form(
        "langsmith personal token",
        "LangChain",
        seq("lsv2_pt_", hexes(32), "_", hexes(10)),
        LANGSMITH,
    ),
    Form(
        "langsmith service key", "LangChain", seq("lsv2_sk_", hexes(32), "_", hexes(10)), LANGSMITH
    ),
    Form("langfuse secret key", "Langfuse", seq("sk-lf-", uuid), TRUFFLEHOG + "langfuse"),
    Form(
        "pinecone key",
        "Pinecone",
        seq("pcsk_", run(ALNUM, 6), "_", run(ALNUM, 63)),
        "https://docs.pinecone.io/guides/projects/manage-api-keys",
    ),
    Form(
        "tavily key",
        "Tavily",
        seq("tvly-", run(ALNUM, 32)),
        "https://docs.tavily.com/documentation/api-reference/introduction",
    ),
    Form("jina key", "Jina", seq("jina_", run(ALNUM, 60)), "https://jina.ai/embeddings/"),
    Form(
        "firecrawl key",
        "Firecrawl",
        seq("fc-", hexes(32)),
        "https://docs.firecrawl.dev/api-reference/introduction",
    ),
    Form(
        "weights and biases key",
        "Weights & Biases",
        hexes(40),
        "https://docs.wandb.ai/guides/track/environment-variables/",
        assigned("wandb api key"),
    ),
    Form(
        "posthog personal key",
        "PostHog",
        seq("phx_", run(ALNUM, 43)),
        "https://posthog.com/docs/api",
    ),
    Form(
        "typeform token",
        "Typeform",
        seq("tfp_", run(WORD, 44), "_", run(ALNUM, 14)),
        "https://www.typeform.com/developers/get-started/personal-access-token/",
    ),
    Form(
        "exa key",
        "Exa",
        uuid,
        "https://docs.exa.ai/reference/getting-started",
        assigned("exa api key"),
    ),
    Form(
        "openweather key",
        "OpenWeather",
        hexes(32),
        "https://openweathermap.org/appid",
        assigned("openweather api key", "owm api key"),
    ),
)
