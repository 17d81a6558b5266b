#include "worker/hugging_face/special_tokens.h"

#include "worker/hugging_face/json_fields.h"
#include "worker/model_file/gguf.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace worker {
namespace {

namespace json = boost::json;

using Id = std::optional<std::uint32_t>;

struct Role {
    std::string_view name;  // before "_token" in tokenizer_config.json
    std::string_view key;   // after "tokenizer.ggml."
};

constexpr std::array roles{
    Role{"unk", "unknown_token_id"}, Role{"sep", "seperator_token_id"},
    Role{"pad", "padding_token_id"}, Role{"cls", "cls_token_id"},
    Role{"mask", "mask_token_id"},
};

// What a text is put between.
struct Frame {
    bool given = false;  // tokenizer.json has a template
    Id begin = {};
    Id end = {};
};

// Gathers the keys of one tokeniser. The first failure sticks.
class Gathering {
public:
    Gathering(const ModelDirectory& directory, const TokenTable& table)
        : directory_(directory),
          settings_(directory.tokenizer_config),
          table_(table),
          file_(directory.name_of("tokenizer.json")) {}

    Result<std::vector<GgufEntry>> run() {
        read_frame(object_at(directory_.tokenizer, "post_processor"));
        for (const Role& role : roles) add_id(role.key, id_of(role.name));
        gather_ends();
        add_begin();
        add_templates();
        if (error_) return fail(*error_);
        return std::move(entries_);
    }

private:
    void read_frame(const json::object* processor) {
        if (!processor) return;
        const std::string_view type = text_at(*processor, "type").value_or("");
        const json::array* parts = array_at(*processor, "processors");
        if (type == "Sequence" && parts) {
            for (const json::value& part : *parts)
                if (const json::object* each = part.if_object()) read_part(*each);
        } else {
            read_part(*processor);
        }
    }

    void read_part(const json::object& processor) {
        const std::string_view type = text_at(processor, "type").value_or("");
        if (type == "ByteLevel") return;  // Changes no token, only where they are said to lie.
        if (frame_.given || (type != "TemplateProcessing" && type != "BertProcessing"))
            return unsupported(fmt::format("the post-processor \"{}\"", printable(type)));
        frame_.given = true;
        if (type == "BertProcessing") {
            frame_.begin = first_of(array_at(processor, "cls"));
            frame_.end = first_of(array_at(processor, "sep"));
        } else {
            read_template(array_at(processor, "single"));
        }
    }

    Id first_of(const json::array* pair) {
        const json::string* text = pair && !pair->empty() ? pair->front().if_string() : nullptr;
        return text ? table_.find(*text) : std::nullopt;
    }

    // A text between at most one token before it and one behind it.
    void read_template(const json::array* parts) {
        bool text_seen = false;
        for (const json::value& value : parts ? *parts : json::array()) {
            const json::object* part = value.if_object();
            const json::object* special = part ? object_at(*part, "SpecialToken") : nullptr;
            if (!special && !text_seen) {
                text_seen = true;
                continue;
            }
            Id& place = text_seen ? frame_.end : frame_.begin;
            const auto text = special ? text_at(*special, "id") : std::nullopt;
            const Id id = text ? table_.find(*text) : std::nullopt;
            if (!id || place) return unsupported("a template of several or unknown tokens");
            place = id;
        }
        if (!text_seen) unsupported("a template without a text");
    }

    // By its name in tokenizer_config.json, else by its number in config.json. A number that the
    // vocabulary does not have is a default that nobody changed.
    Id id_of(std::string_view name) const {
        const std::string key = fmt::format("{}_token", name);
        const json::object* token = object_at(settings_, key);
        const auto text = token ? text_at(*token, "content") : text_at(settings_, key);
        if (const Id id = text ? table_.find(*text) : std::nullopt) return id;
        if (name == "unk")
            if (const Id id = unknown_of_model()) return id;
        if (name == "cls" && frame_.end) return frame_.begin;
        if (name == "sep" && frame_.begin) return frame_.end;
        return in_range(integer_at(directory_.config, key + "_id"));
    }

    Id unknown_of_model() const {
        const json::object* model = object_at(directory_.tokenizer, "model");
        const auto text = model ? text_at(*model, "unk_token") : std::nullopt;
        return text ? table_.find(*text) : std::nullopt;
    }

    Id in_range(std::optional<std::int64_t> id) const {
        const auto size = static_cast<std::int64_t>(table_.tokens().size());
        if (!id || *id < 0 || *id >= size) return std::nullopt;
        return static_cast<std::uint32_t>(*id);
    }

    // Whatever ends a reply: the token that the tokeniser puts behind every text or calls its end,
    // and those of the configurations. GGUF has a key for three.
    void gather_ends() {
        add_end(frame_.end);
        add_end(id_of("eos"));
        for (const json::object* from : {&directory_.generation_config, &directory_.config}) {
            add_end(in_range(integer_at(*from, "eos_token_id")));
            if (const json::array* list = array_at(*from, "eos_token_id"))
                for (const json::value& id : *list) add_end(in_range(integer_of(id)));
        }
        if (ends_.empty()) add_end(id_of("sep"));
        if (ends_.empty()) {
            return fail_with(corrupt_file(directory_.name_of("tokenizer_config.json"),
                                          "names no token that ends a text (eos_token)"));
        }
        constexpr std::array<std::string_view, 3> keys{"eos_token_id", "eot_token_id",
                                                       "eom_token_id"};
        if (ends_.size() > keys.size())
            return unsupported(fmt::format("{} tokens that end a text", ends_.size()));
        for (std::size_t i = 0; i < ends_.size(); ++i) add_id(keys[i], ends_[i]);
        add("add_eos_token", is_added("add_eos_token", frame_.end, false));
    }

    void add_end(Id id) {
        if (id && std::find(ends_.begin(), ends_.end(), *id) == ends_.end()) ends_.push_back(*id);
    }

    // A model without a leading token gets its end for one, as GPT-2 has it: libllama would take
    // the token 11.
    void add_begin() {
        const Id named = id_of("bos");
        const Id begin = frame_.begin ? frame_.begin : named;
        const bool added = is_added("add_bos_token", frame_.begin, begin.has_value());
        if (added && !begin) {
            return fail_with(corrupt_file(directory_.name_of("tokenizer_config.json"),
                                          "says add_bos_token and names no bos_token"));
        }
        add("add_bos_token", added);
        if (begin || !ends_.empty()) add_id("bos_token_id", begin ? begin : ends_.front());
    }

    // Source: transformers, `LlamaTokenizerFast.update_post_processor`: this class makes the
    // template anew, by flags of its own; for all others the template says it, if there is one.
    bool is_added(std::string_view flag, Id by_template, bool usual) const {
        const bool is_llama =
            text_at(settings_, "tokenizer_class").value_or("").starts_with("LlamaTokenizer");
        if (frame_.given && !is_llama) return by_template.has_value();
        const bool missing = frame_.given ? by_template.has_value() : is_llama && usual;
        return flag_at(settings_, flag, missing);
    }

    void add_templates() {
        constexpr std::string_view key = "tokenizer.chat_template";
        if (directory_.chat_template) add_template(std::string(key), *directory_.chat_template);
        for (const auto& [name, text] : directory_.named_templates) {
            const auto is_plain = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
            if (name.empty() || name.size() > 64 ||
                !std::all_of(name.begin(), name.end(), is_plain))
                return unsupported(fmt::format("a chat template called \"{}\"", printable(name)));
            add_template(fmt::format("{}.{}", key, name), text);
        }
    }

    void add_template(std::string key, const std::string& text) {
        if (text.size() > gguf_text_bytes_max) return unsupported("a chat template of over 1 MiB");
        entries_.push_back({std::move(key), text});
    }

    void add_id(std::string_view key, Id id) {
        if (id) add(key, *id);
    }
    void add(std::string_view key, GgufWritable value) {
        entries_.push_back({fmt::format("tokenizer.ggml.{}", key), std::move(value)});
    }

    void unsupported(const std::string& what) {
        fail_with(unsupported_model(file_, what + " is not supported"));
    }
    void fail_with(Error error) {
        if (!error_) error_ = std::move(error);
    }

    const ModelDirectory& directory_;
    const json::object& settings_;
    const TokenTable& table_;
    const std::string file_;
    Frame frame_;
    std::vector<std::uint32_t> ends_;  // the first is the most usual
    std::vector<GgufEntry> entries_;
    std::optional<Error> error_;
};

}  // namespace

Result<std::vector<GgufEntry>> special_token_entries(const ModelDirectory& directory,
                                                     const TokenTable& table) {
    return Gathering(directory, table).run();
}

}  // namespace worker
