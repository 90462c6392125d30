using System.Diagnostics.CodeAnalysis;

namespace Realms.Schema;

/// <content>Schemas by hand.</content>
public partial class RealmSchema
{
    /// <summary>A builder with the classes of this schema.</summary>
    public Builder GetBuilder()
    {
        var builder = new Builder();
        foreach (var item in this)
        {
            builder.Add(item);
        }

        return builder;
    }

    [return: NotNullIfNotNull(nameof(builder))]
    public static implicit operator RealmSchema?(Builder? builder) => builder?.Build();

    /// <summary>Collects the classes of a schema: model classes, and those described property by property.</summary>
    public class Builder : SchemaBuilderBase<ObjectSchema>
    {
        /// <summary>Errors: RealmSchemaValidationException.</summary>
        public RealmSchema Build() => new(this, true);

        /// <summary>Errors: ArgumentException when there is a class of that name.</summary>
        public new Builder Add(ObjectSchema schema)
        {
            ArgumentNullException.ThrowIfNull(schema);
            base.Add(schema);
            return this;
        }

        public Builder Add(ObjectSchema.Builder schemaBuilder)
        {
            ArgumentNullException.ThrowIfNull(schemaBuilder);
            return Add(schemaBuilder.Build());
        }

        /// <summary>Errors: RealmException for a type that is no model class.</summary>
        public Builder Add(Type type)
        {
            ArgumentNullException.ThrowIfNull(type);
            return Add(TypeMetadata.Of(type).Schema);
        }

        private protected override string NameOf(ObjectSchema item) => item.Name;
    }
}
