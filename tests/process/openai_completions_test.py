"""Completions, models and tokens by OpenAI's Python client."""

import unittest

from openai_client import ClientTest, openai

PROMPT = "The three largest oceans are"


class CompletionsTest(ClientTest):
    def complete(self, **settings):
        settings = {"prompt": PROMPT, "temperature": 0, "max_tokens": 12, **settings}
        return self.client.completions.create(model="default", **settings)

    def tokens_of(self, text, **settings):
        return self.client.post("/tokenize", cast_to=object,
                                body={"content": text, **settings})["tokens"]

    def test_a_text_is_gone_on_with(self):
        reply = self.complete()
        self.assertRegex(reply.id, "^cmpl-")
        self.assertEqual(reply.object, "text_completion")
        [choice] = reply.choices
        self.assertTrue(choice.text)
        self.assertIsNone(choice.logprobs)
        self.assertEqual(choice.finish_reason, "length")
        self.assertEqual(reply.usage.completion_tokens, 12)
        self.assertEqual(reply.usage.prompt_tokens, len(self.tokens_of(PROMPT, add_special=True)))

    def test_max_tokens_is_16_where_it_is_not_given(self):
        reply = self.complete(max_tokens=openai.omit, extra_body={"ignore_eos": True})
        self.assertEqual(reply.usage.completion_tokens, 16)

    def test_tokens_are_the_same_as_their_text(self):
        tokens = self.tokens_of(PROMPT, add_special=True)
        self.assertEqual(self.complete(prompt=tokens).choices[0].text,
                         self.complete().choices[0].text)
        text = self.client.post("/detokenize", cast_to=object, body={"tokens": tokens})["content"]
        self.assertTrue(text.endswith(PROMPT))

    def test_prompts_of_one_request_are_answered_in_their_order(self):
        prompts = [PROMPT, "One, two, three,", "The sky is"]
        alone = [self.complete(prompt=prompt) for prompt in prompts]
        reply = self.complete(prompt=prompts)
        self.assertEqual([choice.index for choice in reply.choices], [0, 1, 2])
        self.assertEqual([choice.text for choice in reply.choices],
                         [each.choices[0].text for each in alone])
        self.assertEqual(reply.usage.prompt_tokens,
                         sum(each.usage.prompt_tokens for each in alone))
        lists = [self.tokens_of(prompt, add_special=True) for prompt in prompts]
        self.assertEqual([choice.text for choice in self.complete(prompt=lists).choices],
                         [choice.text for choice in reply.choices])

    def test_n_choices_of_each_prompt(self):
        reply = self.complete(prompt=[PROMPT, "The sky is"], n=2, temperature=1.2, seed=4)
        self.assertEqual([choice.index for choice in reply.choices], [0, 1, 2, 3])
        self.assertEqual(len({choice.text for choice in reply.choices}), 4)

    def test_the_best_of_several_is_told(self):
        reply = self.complete(best_of=3, temperature=1.2, seed=4)
        self.assertEqual(len(reply.choices), 1)
        self.assertEqual(reply.usage.completion_tokens, 36)

    def test_the_prompt_is_echoed(self):
        text = PROMPT + self.complete().choices[0].text
        self.assertEqual(self.complete(echo=True).choices[0].text, text)
        streamed = "".join(chunk.choices[0].text for chunk in self.complete(echo=True, stream=True))
        self.assertEqual(streamed, text)

    def test_logprobs_have_the_older_shape(self):
        prompt_tokens = len(self.tokens_of(PROMPT, add_special=True))
        for echo, told_of_prompt in ((False, 0), (True, prompt_tokens)):
            [choice] = self.complete(logprobs=2, echo=echo).choices
            logprobs = choice.logprobs
            lists = (logprobs.tokens, logprobs.token_logprobs, logprobs.text_offset,
                     logprobs.top_logprobs)
            self.assertEqual([len(each) for each in lists], [told_of_prompt + 12] * 4)
            self.assertEqual("".join(logprobs.tokens), choice.text)
            for token, offset in zip(logprobs.tokens, logprobs.text_offset):
                self.assertEqual(choice.text[offset:offset + len(token)], token)
            # Nothing stands before the first token of a prompt.
            first = 1 if echo else 0
            self.assertEqual(logprobs.token_logprobs[:first], [None] * first)
            self.assertTrue(all(each <= 0 for each in logprobs.token_logprobs[first:]))
            # Beside the likeliest the reference allows the chosen one.
            self.assertLessEqual({len(each) for each in logprobs.top_logprobs[first:]}, {2, 3})

    def test_a_stream_says_what_the_whole_reply_says(self):
        for settings in ({}, {"temperature": 1, "seed": 3, "stop": ["\n"]}):
            whole = self.complete(**settings)
            *chunks, last = self.complete(stream=True, stream_options={"include_usage": True},
                                          **settings)
            self.assertEqual("".join(chunk.choices[0].text for chunk in chunks),
                             whole.choices[0].text)
            self.assertEqual(chunks[-1].choices[0].finish_reason, whole.choices[0].finish_reason)
            self.assertEqual((last.choices, last.usage.completion_tokens),
                             ([], whole.usage.completion_tokens))

    def test_prompts_of_a_stream_are_told_apart(self):
        prompts = [PROMPT, "The sky is"]
        whole = self.complete(prompt=prompts)
        texts = ["", ""]
        for chunk in self.complete(prompt=prompts, stream=True):
            texts[chunk.choices[0].index] += chunk.choices[0].text
        self.assertEqual(texts, [choice.text for choice in whole.choices])


class ModelsTest(ClientTest):
    def test_the_one_model_is_listed_and_found(self):
        [model] = self.client.models.list()
        self.assertEqual(model.object, "model")
        self.assertEqual(model.meta["context_length"], 1024)
        self.assertEqual(self.client.models.retrieve(model.id), model)
        reply = self.client.completions.create(model=model.id, prompt="Hi", max_tokens=1)
        self.assertEqual(reply.model, model.id)

    def test_any_other_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.models.retrieve("gpt-4o")
        self.assertEqual(caught.exception.code, "model_not_found")

    def test_the_same_is_served_where_some_clients_look(self):
        base = self.client.with_options(
            base_url=f"http://127.0.0.1:{self.worker.port}/openai/v1")
        self.assertEqual(list(base.models.list()), list(self.client.models.list()))


if __name__ == "__main__":
    unittest.main()
