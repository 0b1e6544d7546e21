package llm

import "strings"

// family is what is known of the models whose names begin alike.
type family struct {
	name    string // how the names begin, in lower case, without a vendor before a slash
	window  int    // tokens for prompt and answer together
	reserve int    // of them for an answer, when not configured; reasoning needs more
	words   vocabulary
	margin  float64 // the model's tokens for each counted one, rather more than fewer
}

// unknownFamily is for models not in the table. Its window is small enough for
// most of today's models; an error corrects it in either direction.
var unknownFamily = family{window: 16_384, reserve: 2048, margin: 1.2}

// families are matched by the longest name. The sizes are from the vendors'
// model pages, the smaller one where a name has meant several. A size in the
// name itself ("moonshot-v1-32k") goes before the table.
var families = []family{
	// OpenAI
	{"gpt-3.5-turbo", 16_385, 4096, cl100k, 1.05},
	{"gpt-35-turbo", 16_385, 4096, cl100k, 1.05}, // Azure's spelling
	{"gpt-3.5-turbo-0613", 4096, 1024, cl100k, 1.05},
	{"gpt-3.5-turbo-instruct", 4096, 1024, cl100k, 1.05},
	{"gpt-4", 8192, 2048, cl100k, 1.05},
	{"gpt-4-32k", 32_768, 4096, cl100k, 1.05},
	{"gpt-4-turbo", 128_000, 4096, cl100k, 1.05},
	{"gpt-4-1106", 128_000, 4096, cl100k, 1.05},
	{"gpt-4-0125", 128_000, 4096, cl100k, 1.05},
	{"gpt-4-vision", 128_000, 4096, cl100k, 1.05},
	{"gpt-4o", 128_000, 16_384, o200k, 1.05},
	{"chatgpt-4o", 128_000, 16_384, o200k, 1.05},
	{"gpt-4.1", 1_047_576, 32_768, o200k, 1.05},
	{"gpt-4.5", 128_000, 16_384, o200k, 1.05},
	{"gpt-5", 400_000, 128_000, o200k, 1.05},
	{"gpt-5-chat", 128_000, 16_384, o200k, 1.05},
	{"gpt-oss", 131_072, 32_768, o200k, 1.05},
	{"o1", 200_000, 65_536, o200k, 1.05},
	{"o1-mini", 128_000, 32_768, o200k, 1.05},
	{"o1-preview", 128_000, 32_768, o200k, 1.05},
	{"o3", 200_000, 65_536, o200k, 1.05},
	{"o4", 200_000, 65_536, o200k, 1.05},

	// Vocabularies of their own from here on.
	{"claude", 200_000, 16_384, o200k, 1.4},
	{"gemini", 1_048_576, 32_768, o200k, 1.2},
	{"gemini-pro", 32_768, 2048, o200k, 1.2},
	{"gemma", 8192, 2048, o200k, 1.2},
	{"gemma-3", 131_072, 8192, o200k, 1.2},
	{"gemma3", 131_072, 8192, o200k, 1.2},
	{"grok", 131_072, 16_384, o200k, 1.2},
	{"grok-4", 256_000, 32_768, o200k, 1.2},

	{"deepseek", 65_536, 8192, o200k, 1.15},
	{"deepseek-chat", 131_072, 8192, o200k, 1.15},
	{"deepseek-reasoner", 131_072, 32_768, o200k, 1.15},
	{"deepseek-v3", 131_072, 8192, o200k, 1.15},
	{"deepseek-v4", 262_144, 32_768, o200k, 1.15},
	{"deepseek-r1", 65_536, 16_384, o200k, 1.15},
	{"moonshot", 8192, 2048, o200k, 1.15},
	{"moonshot-v1-auto", 131_072, 4096, o200k, 1.15},
	{"kimi", 131_072, 16_384, o200k, 1.15},
	{"kimi-k2", 131_072, 16_384, o200k, 1.15},
	{"glm-4", 128_000, 4096, o200k, 1.15},
	{"glm-4v", 8192, 1024, o200k, 1.15},
	{"glm-4.5", 131_072, 16_384, o200k, 1.15},
	{"glm-4.6", 200_000, 32_768, o200k, 1.15},
	{"glm-4.7", 200_000, 32_768, o200k, 1.15},
	{"glm-5", 200_000, 32_768, o200k, 1.15},
	{"glm-z1", 32_768, 8192, o200k, 1.15},
	{"qwen", 32_768, 4096, o200k, 1.15},
	{"qwen-max", 32_768, 8192, o200k, 1.15},
	{"qwen-plus", 131_072, 8192, o200k, 1.15},
	{"qwen-turbo", 131_072, 8192, o200k, 1.15},
	{"qwen-flash", 131_072, 8192, o200k, 1.15},
	{"qwen-long", 1_000_000, 8192, o200k, 1.15},
	{"qwen3", 131_072, 16_384, o200k, 1.15},
	{"qwen3-max", 262_144, 32_768, o200k, 1.15},
	{"qwq", 131_072, 16_384, o200k, 1.15},
	{"doubao", 32_768, 4096, o200k, 1.15},
	{"doubao-seed", 262_144, 32_768, o200k, 1.15},
	{"ernie", 8192, 2048, o200k, 1.2},
	{"ernie-4.5", 32_768, 4096, o200k, 1.2},
	{"hunyuan", 32_768, 4096, o200k, 1.2},
	{"minimax", 245_760, 16_384, o200k, 1.2},
	{"abab", 245_760, 8192, o200k, 1.2},
	{"step-1", 8192, 2048, o200k, 1.2},
	{"step-2", 16_384, 4096, o200k, 1.2},
	{"step-3", 65_536, 8192, o200k, 1.2},
	{"baichuan", 32_768, 2048, o200k, 1.2},
	{"yi-", 16_384, 4096, o200k, 1.2},
	{"internlm", 32_768, 4096, o200k, 1.2},
	{"generalv3", 8192, 2048, o200k, 1.2}, // Spark
	{"4.0ultra", 32_768, 4096, o200k, 1.2},

	{"llama-2", 4096, 1024, o200k, 1.4},
	{"llama2", 4096, 1024, o200k, 1.4},
	{"llama-3", 8192, 2048, o200k, 1.2},
	{"llama3", 8192, 2048, o200k, 1.2},
	{"llama-3.", 131_072, 4096, o200k, 1.2},
	{"llama3.", 131_072, 4096, o200k, 1.2},
	{"meta-llama-3", 8192, 2048, o200k, 1.2},
	{"meta-llama-3.", 131_072, 4096, o200k, 1.2},
	{"llama-4", 131_072, 8192, o200k, 1.2},
	{"llama4", 131_072, 8192, o200k, 1.2},
	{"mistral", 32_768, 4096, o200k, 1.3},
	{"mistral-large", 131_072, 4096, o200k, 1.3},
	{"mistral-medium", 131_072, 4096, o200k, 1.3},
	{"mixtral", 32_768, 4096, o200k, 1.3},
	{"codestral", 32_768, 4096, o200k, 1.3},
	{"ministral", 131_072, 4096, o200k, 1.3},
	{"command-r", 128_000, 4096, o200k, 1.2},
	{"phi-3", 4096, 1024, o200k, 1.3},
	{"phi-4", 16_384, 4096, o200k, 1.1},
}

// familyOf returns what is known of a model by its name, which may carry a
// vendor ("openai/gpt-4o"), a fine-tune's prefix or a tag.
func familyOf(model string) family {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	name = strings.TrimPrefix(name, "ft:")
	best := unknownFamily
	for _, f := range families {
		if len(f.name) > len(best.name) && strings.HasPrefix(name, f.name) {
			best = f
		}
	}
	if window := windowIn(name); window > 0 {
		best.window = window // in thousands: 2 % less than where they are 1024s
	}
	return best
}

// windowIn reads a size out of a model's name: the 32k of "moonshot-v1-32k".
func windowIn(name string) int {
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '-' || r == '_' || r == ':' }) {
		digits, ok := strings.CutSuffix(part, "k")
		if !ok || len(digits) == 0 || len(digits) > 4 {
			continue
		}
		n := 0
		for i := 0; i < len(digits) && n >= 0; i++ {
			if c := digits[i]; '0' <= c && c <= '9' {
				n = n*10 + int(c-'0')
			} else {
				n = -1
			}
		}
		if n >= 4 && n <= 2048 {
			return n * 1000
		}
	}
	return 0
}
