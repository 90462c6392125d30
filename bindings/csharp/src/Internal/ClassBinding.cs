using Realms.Schema;

namespace Realms;

/// <summary>A model class inside one open realm: the native keys of the class and, by position, of its properties.</summary>
internal sealed record ClassBinding(TypeMetadata Metadata, uint ClassKey, uint[] PropertyKeys);
