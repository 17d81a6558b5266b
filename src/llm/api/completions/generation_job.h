#pragma once

#include "llm/api/openai/generation_request.h"
#include "llm/batching/text_job.h"
#include "llm/model/vocabulary.h"

#include <cstdint>
#include <vector>

namespace llm {

// What a request asks for beside its prompt, as a job; `choice` counts the replies to one prompt,
// which differ in their seeds. Errors: invalid_request (a bad word that cannot be tokenised).
Result<GenerateJob> generation_job(const GenerationRequest& request, std::uint32_t choice,
                                   const Vocabulary& vocabulary);

}  // namespace llm
