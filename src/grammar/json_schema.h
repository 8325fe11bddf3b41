// From a JSON schema to the GBNF of the JSON texts that it allows.
//
// Taken are: type (one or a list), enum, const, properties with required and additionalProperties, items with minItems
// and maxItems, minLength and maxLength, anyOf and oneOf, an allOf of one, and $ref within the schema, also to itself.
// Properties come in the order of the schema; others come only where additionalProperties is true or a schema, and none
// of them under the name of a property. oneOf is taken as anyOf. A keyword that restricts what is allowed and is none
// of these is refused by name; annotations (title, description, default, format, ...) are read over.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe::grammar {

// `name` is for errors, which name the place in the schema.
Result<std::string> json_schema_to_gbnf(const nlohmann::ordered_json& schema, std::string_view name);

// Any JSON value whose outermost is an object: what "JSON mode" means.
std::string json_object_gbnf();

}  // namespace lathe::grammar
