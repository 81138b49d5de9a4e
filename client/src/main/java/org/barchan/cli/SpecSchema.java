package org.barchan.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import picocli.CommandLine.Model.OptionSpec;

/** The JSON Schema (draft 2020-12) of what {@link SpecFile} reads, for editors. It is made of the options. */
final class SpecSchema {
    private SpecSchema() {}

    static String text() {
        JsonObject properties = new JsonObject();
        SpecFile.keys().forEach((key, option) -> properties.add(key, property(key, option)));
        properties.add(
                SpecFile.COMMAND, described(listOf(text("string", "number")), "The command with its arguments."));
        JsonObject schema = new JsonObject();
        schema.addProperty("$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.addProperty("title", "A sandbox and its command, for barchan run --file");
        schema.addProperty("type", "object");
        schema.addProperty("additionalProperties", false);
        schema.add("properties", properties);
        schema.add("$defs", definitions());
        return new GsonBuilder()
                        .disableHtmlEscaping()
                        .setPrettyPrinting()
                        .create()
                        .toJson(schema) + "\n";
    }

    private static JsonObject property(String key, OptionSpec option) {
        JsonObject type;
        if (option.arity().max() == 0) {
            type = typed("boolean");
        } else if (!option.isMultiValue()) {
            type = text("string", "number");
        } else {
            type = listOf(SpecFile.IN_PARTS.contains(key) ? text("string", "object") : text("string", "number"));
            if (SpecFile.PAIRS.contains(key)) {
                type.getAsJsonArray("anyOf").add(variables());
            }
        }
        return described(type, String.join(" ", option.description()));
    }

    private static JsonObject variables() {
        JsonObject variables = typed("object");
        variables.add("additionalProperties", text("string", "number", "boolean", "null"));
        return variables;
    }

    private static JsonObject described(JsonObject type, String description) {
        type.addProperty("description", description);
        return type;
    }

    /** One, or a list of them. */
    private static JsonObject listOf(JsonObject item) {
        JsonObject list = typed("array");
        list.add("items", item);
        return anyOf(List.of(item.deepCopy(), list));
    }

    /** Text or bytes. */
    private static JsonObject text(String... types) {
        JsonArray names = new JsonArray();
        List.of(types).forEach(names::add);
        JsonObject plain = new JsonObject();
        plain.add("type", names);
        JsonObject bytes = new JsonObject();
        bytes.addProperty("$ref", "#/$defs/bytes");
        return anyOf(List.of(plain, bytes));
    }

    private static JsonObject anyOf(List<JsonObject> choices) {
        JsonArray all = new JsonArray();
        choices.forEach(all::add);
        JsonObject any = new JsonObject();
        any.add("anyOf", all);
        return any;
    }

    private static JsonObject typed(String type) {
        JsonObject object = new JsonObject();
        object.addProperty("type", type);
        return object;
    }

    private static JsonObject definitions() {
        JsonObject base64 = typed("string");
        base64.addProperty("contentEncoding", "base64");
        JsonObject properties = new JsonObject();
        properties.add("base64", base64);
        JsonObject bytes = typed("object");
        bytes.add("properties", properties);
        JsonArray required = new JsonArray();
        required.add("base64");
        bytes.add("required", required);
        bytes.addProperty("additionalProperties", false);
        JsonObject definitions = new JsonObject();
        definitions.add("bytes", bytes);
        return definitions;
    }
}
