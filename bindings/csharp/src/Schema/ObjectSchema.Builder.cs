namespace Realms.Schema;

/// <content>Classes by hand.</content>
public partial class ObjectSchema
{
    /// <summary>A builder with the name and the properties of this class.</summary>
    public Builder GetBuilder() => new(this);

    /// <summary>Describes a class property by property. One that begins with a model class keeps it, and may have more
    /// properties than that: they are used through DynamicApi.</summary>
    public class Builder : SchemaBuilderBase<Property>
    {
        private readonly Type? _model;
        private string _name = "";

        /// <summary>Errors: ArgumentNullException, ArgumentException for an empty name.</summary>
        public Builder(string name, ObjectType schemaType = ObjectType.RealmObject)
        {
            Name = name;
            RealmSchemaType = schemaType;
        }

        /// <summary>Errors: RealmException for a type that is no model class.</summary>
        public Builder(Type type)
            : this(TypeMetadata.Of(type ?? throw new ArgumentNullException(nameof(type))).Schema)
        {
        }

        internal Builder(ObjectSchema schema)
            : this(schema.Name, schema.BaseType)
        {
            _model = schema.Model;
            foreach (var property in schema)
            {
                base.Add(property);
            }
        }

        /// <summary>Errors: ArgumentNullException, ArgumentException for an empty name.</summary>
        public string Name
        {
            get => _name;
            set
            {
                ArgumentException.ThrowIfNullOrEmpty(value);
                _name = value;
            }
        }

        public ObjectType RealmSchemaType { get; set; }

        /// <summary>Errors: NotSupportedException when a model class was renamed or lost a property.</summary>
        public ObjectSchema Build()
        {
            if (_model is null)
            {
                return new ObjectSchema(Name, RealmSchemaType, [.. this], null, isBuilt: true);
            }

            var modelled = TypeMetadata.Of(_model).Schema;
            if (modelled.Name != Name || modelled.BaseType != RealmSchemaType || modelled.Any(property => !Contains(property)))
            {
                throw new NotSupportedException(
                    $"not supported yet: another name, kind or property than those of the model class {_model.Name}");
            }

            return Count == modelled.Count ? modelled : new ObjectSchema(Name, RealmSchemaType, [.. this], null, _model, true);
        }

        /// <summary>Errors: ArgumentException when there is a property of that name.</summary>
        public new Builder Add(Property item)
        {
            base.Add(item);
            return this;
        }

        private protected override string NameOf(Property item) => item.Name;
    }
}
