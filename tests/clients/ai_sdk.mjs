// Vercel's AI SDK with its provider for servers that speak as OpenAI does, before a worker of
// SmolLM2.
import assert from "node:assert/strict";
import test from "node:test";

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateObject, generateText, Output, streamText, tool } from "ai";
import { z } from "zod";

import { baseURL, untilIdle } from "./worker.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;

const provider = createOpenAICompatible({
  name: "worker", baseURL, apiKey: "any", includeUsage: true, supportsStructuredOutputs: true,
});
const model = provider("default");
const asked = {
  model, prompt: "Tell me about the sea.", temperature: 0, maxOutputTokens: 16, maxRetries: 0,
};

const Weather = z.object({
  city: z.string().max(20),
  unit: z.enum(["celsius", "fahrenheit"]),
  days: z.number().int().min(1).max(7),
});

test("generateText has text, a reason and its usage", async () => {
  const reply = await generateText(asked);
  assert.ok(reply.text);
  assert.equal(reply.finishReason, "length");
  assert.equal(reply.usage.outputTokens, 16);
  assert.ok(reply.usage.inputTokens > 0);
});

test("instructions reach the prompt", async () => {
  const plain = await generateText(asked);
  const told = await generateText({ ...asked, system: "You answer with one word only, always." });
  assert.notEqual(told.usage.inputTokens, plain.usage.inputTokens);
});

test("streamText says what generateText says", async () => {
  const whole = await generateText(asked);
  const stream = streamText(asked);
  let text = "";
  for await (const part of stream.textStream) text += part;
  assert.equal(text, whole.text);
  assert.equal(await stream.finishReason, "length");
  assert.equal((await stream.usage).outputTokens, 16);
});

test("generateObject follows its schema", async () => {
  const { object } = await generateObject(
    { ...asked, schema: Weather, temperature: 1, seed: 4, maxOutputTokens: 300 });
  Weather.parse(object);
});

test("an output of a schema, whole and streamed", async () => {
  const output = Output.object({ schema: Weather });
  const settings = { ...asked, output, maxOutputTokens: 300 };
  Weather.parse((await generateText(settings)).output);
  Weather.parse(await streamText(settings).output);
});

test("a required tool is called, its answer goes back, and the model answers", async () => {
  const calls = [];
  const weather = tool({
    description: "Tells the weather of a city.",
    inputSchema: Weather,
    execute: async (given) => {
      calls.push(Weather.parse(given));
      return { celsius: 21 };
    },
  });
  const prepareStep = ({ stepNumber }) =>
    ({ toolChoice: stepNumber === 0 ? { type: "tool", toolName: "weather" } : "none" });
  const reply = await generateText({ ...asked, tools: { weather }, prepareStep,
    stopWhen: ({ steps }) => steps.length === 2, maxOutputTokens: 200 });
  assert.equal(calls.length, 1);
  assert.equal(reply.steps[0].finishReason, "tool-calls");
  assert.ok(reply.text);
});

test("streamed calls of tools are whole", async () => {
  const weather = tool({ description: "Tells the weather.", inputSchema: Weather });
  const stream = streamText({ ...asked, tools: { weather }, toolChoice: "required",
    maxOutputTokens: 300, providerOptions: { worker: { parallel_tool_calls: false } } });
  const calls = await stream.toolCalls;
  assert.equal(calls.length, 1);
  for (const call of calls) {
    assert.equal(call.toolName, "weather");
    Weather.parse(call.input);
  }
});

test("an error says what is wrong", async () => {
  await assert.rejects(generateText({ ...asked, temperature: 3 }), (error) => {
    assert.ok(APICallError.isInstance(error), String(error));
    assert.equal(error.statusCode, 400);
    assert.equal(error.isRetryable, false);
    assert.match(error.message, /temperature/);
    return true;
  });
});

test("a stream that is aborted frees its slot", async () => {
  const controller = new AbortController();
  const stream = streamText({ ...asked, maxOutputTokens: 900, abortSignal: controller.signal,
    providerOptions: { worker: { ignore_eos: true } } });
  for await (const part of stream.textStream) {
    assert.ok(part);
    controller.abort();
    break;
  }
  await untilIdle();
});
