// docs/openai.md says what the table says.
#include "embedding/api/embeddings_request.h"
#include "worker/openai/document_fixture.h"

#include <gtest/gtest.h>

#include <string>

namespace embedding {
namespace {

TEST(DocumentsTest, the_document_has_the_table) {
    const EmbeddingsLimits limits = {.vocabulary_size = worker::varying,
                                     .dimensions = worker::varying};
    std::string table =
        worker::table_of("`POST /v1/embeddings`", "", parameters_of(embeddings_rows(limits)));
    table.pop_back();
    worker::check_document(RBEE_OPENAI_DOCUMENT, "embeddings", table);
}

}  // namespace
}  // namespace embedding
