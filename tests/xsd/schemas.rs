//! Small schemas, one construct each, with documents that they accept or nearly accept.

/// The schema around what one of [`ALL`] declares.
pub(crate) fn schema(inside: &str) -> String {
    let head = if inside.contains("t:") || inside.contains("<!--target-->") {
        "xmlns:t='urn:t' targetNamespace='urn:t' elementFormDefault='qualified'"
    } else {
        ""
    };
    format!("<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' {head}>{inside}</xs:schema>")
}

macro_rules! leaf {
    ($name:literal, $type:literal) => {
        ($name, concat!("<xs:element name='a' type='xs:", $type, "'/>"), &["<a>1</a>"] as &[&str])
    };
}

macro_rules! facet {
    ($name:literal, $base:literal, $facets:literal) => {
        (
            $name,
            concat!(
                "<xs:element name='a'><xs:simpleType><xs:restriction base='xs:",
                $base,
                "'>",
                $facets,
                "</xs:restriction></xs:simpleType></xs:element>"
            ),
            &["<a>1</a>"] as &[&str],
        )
    };
}

macro_rules! content {
    ($name:literal, $content:literal, $($document:literal),+) => {
        ($name, concat!("<xs:element name='r'><xs:complexType>", $content, "</xs:complexType></xs:element>"), &[$($document),+] as &[&str])
    };
}

/// Name, declarations, documents.
pub(crate) const ALL: &[(&str, &str, &[&str])] = &[
    leaf!("string", "string"),
    leaf!("boolean", "boolean"),
    leaf!("decimal", "decimal"),
    leaf!("integer", "integer"),
    leaf!("int", "int"),
    leaf!("unsigned-byte", "unsignedByte"),
    leaf!("long", "long"),
    leaf!("positive", "positiveInteger"),
    leaf!("non-positive", "nonPositiveInteger"),
    leaf!("double", "double"),
    leaf!("date", "date"),
    leaf!("date-time", "dateTime"),
    leaf!("time", "time"),
    leaf!("duration", "duration"),
    leaf!("g-year", "gYear"),
    leaf!("g-year-month", "gYearMonth"),
    leaf!("base64", "base64Binary"),
    leaf!("hex", "hexBinary"),
    leaf!("token", "token"),
    leaf!("normalized", "normalizedString"),
    leaf!("language", "language"),
    leaf!("ncname", "NCName"),
    leaf!("name", "Name"),
    leaf!("nmtoken", "NMTOKEN"),
    leaf!("nmtokens", "NMTOKENS"),
    leaf!("qname", "QName"),
    leaf!("id", "ID"),
    leaf!("any-simple", "anySimpleType"),
    leaf!("any-type", "anyType"),
    facet!("length", "string", "<xs:length value='3'/>"),
    facet!("lengths", "token", "<xs:minLength value='1'/><xs:maxLength value='3'/>"),
    facet!("pattern", "string", "<xs:pattern value='[0-9]{1,3}'/>"),
    facet!("patterns", "string", "<xs:pattern value='\\d+'/><xs:pattern value='[A-Z-[B]]*'/>"),
    facet!(
        "enumeration",
        "string",
        "<xs:enumeration value='abc'/><xs:enumeration value='1'/><xs:enumeration value='a b'/>"
    ),
    facet!("enumeration-token", "token", "<xs:enumeration value='5'/><xs:enumeration value='a b'/>"),
    facet!("enumeration-decimal", "decimal", "<xs:enumeration value='1.5'/><xs:enumeration value='0'/>"),
    facet!("enumeration-integer", "integer", "<xs:enumeration value='12'/><xs:enumeration value='5'/>"),
    facet!("inclusive", "int", "<xs:minInclusive value='1'/><xs:maxInclusive value='12'/>"),
    facet!("exclusive", "decimal", "<xs:minExclusive value='1'/><xs:maxExclusive value='12'/>"),
    facet!("digits", "decimal", "<xs:totalDigits value='2'/><xs:fractionDigits value='1'/>"),
    facet!("fraction", "decimal", "<xs:fractionDigits value='2'/>"),
    facet!("dates", "date", "<xs:minInclusive value='2024-01-01'/>"),
    facet!("date-times", "dateTime", "<xs:maxExclusive value='2024-01-01T00:00:00Z'/>"),
    facet!("doubles", "double", "<xs:minInclusive value='1'/>"),
    facet!("collapse", "string", "<xs:whiteSpace value='collapse'/><xs:enumeration value='5'/>"),
    facet!("binary-length", "base64Binary", "<xs:length value='1'/>"),
    facet!("hex-length", "hexBinary", "<xs:maxLength value='1'/>"),
    (
        "restricted-twice",
        "<xs:simpleType name='s'><xs:restriction base='xs:int'><xs:minInclusive value='1'/></xs:restriction></xs:simpleType>\
        <xs:simpleType name='u'><xs:restriction base='s'><xs:maxInclusive value='12'/></xs:restriction></xs:simpleType>\
        <xs:element name='a' type='u'/>",
        &["<a>5</a>"],
    ),
    (
        "list",
        "<xs:element name='a'><xs:simpleType><xs:list itemType='xs:int'/></xs:simpleType></xs:element>",
        &["<a>1 2 3</a>"],
    ),
    (
        "list-length",
        "<xs:simpleType name='l'><xs:list itemType='xs:NCName'/></xs:simpleType><xs:element name='a'><xs:simpleType>\
        <xs:restriction base='l'><xs:length value='2'/></xs:restriction></xs:simpleType></xs:element>",
        &["<a>a b</a>", "<a>a b c</a>"],
    ),
    (
        "union",
        "<xs:element name='a'><xs:simpleType><xs:union memberTypes='xs:int xs:date'/></xs:simpleType></xs:element>",
        &["<a>1</a>"],
    ),
    (
        "union-inline",
        "<xs:element name='a'><xs:simpleType><xs:union memberTypes='xs:boolean'><xs:simpleType>\
        <xs:restriction base='xs:string'><xs:enumeration value='abc'/></xs:restriction></xs:simpleType></xs:union></xs:simpleType></xs:element>",
        &["<a>abc</a>"],
    ),
    ("fixed", "<xs:element name='a' type='xs:int' fixed='12'/>", &["<a>12</a>"]),
    ("default", "<xs:element name='a' type='xs:int' default='12'/>", &["<a>12</a>"]),
    ("nillable", "<xs:element name='a' type='xs:int' nillable='true'/>", &["<a>12</a>", "<a xsi:nil='true'/>"]),
    content!(
        "sequence",
        "<xs:sequence><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:string' minOccurs='0'/>\
        <xs:element name='c' type='xs:string' minOccurs='2' maxOccurs='3'/></xs:sequence>",
        "<r><a>1</a><b>x</b><c>1</c><c>2</c></r>",
        "<r><a>1</a><c>1</c><c>2</c><c>3</c></r>"
    ),
    content!(
        "choice",
        "<xs:choice><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:date'/></xs:choice>",
        "<r><a>1</a></r>",
        "<r><b>2024-02-29</b></r>",
        "<r><a>1</a><b>2024-02-29</b></r>"
    ),
    content!(
        "choices",
        "<xs:choice minOccurs='0' maxOccurs='unbounded'><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:string'/></xs:choice>",
        "<r><a>1</a><b>x</b><a>2</a></r>",
        "<r/>"
    ),
    content!(
        "all",
        "<xs:all><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:string' minOccurs='0'/><xs:element name='c' type='xs:string'/></xs:all>",
        "<r><c>1</c><a>1</a></r>",
        "<r><a>1</a><b>1</b><c>1</c></r>"
    ),
    content!(
        "nested",
        "<xs:sequence maxOccurs='2'><xs:choice><xs:element name='a' type='xs:int'/><xs:sequence><xs:element name='b' type='xs:int'/>\
        <xs:element name='c' type='xs:int' minOccurs='0'/></xs:sequence></xs:choice><xs:element name='d' type='xs:int' minOccurs='0'/></xs:sequence>",
        "<r><a>1</a><d>1</d><b>1</b></r>",
        "<r><b>1</b><c>1</c><a>1</a><d>1</d></r>"
    ),
    content!(
        "repeated-sequence",
        "<xs:sequence minOccurs='2' maxOccurs='3'><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:int'/></xs:sequence>",
        "<r><a>1</a><b>1</b><a>1</a><b>1</b></r>"
    ),
    content!(
        "optional-choice",
        "<xs:sequence><xs:choice minOccurs='0'><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:int'/></xs:choice>\
        <xs:element name='c' type='xs:int'/></xs:sequence>",
        "<r><a>1</a><c>1</c></r>",
        "<r><c>1</c></r>"
    ),
    content!("empty", "", "<r/>", "<r> </r>"),
    content!(
        "attributes",
        "<xs:attribute name='x' type='xs:int' use='required'/><xs:attribute name='y' type='xs:date'/>\
        <xs:attribute name='z' type='xs:string' fixed='abc'/>",
        "<r x='1' y='2024-02-29' z='abc'/>"
    ),
    content!(
        "prohibited",
        "<xs:attribute name='x' type='xs:int' use='optional' default='3'/><xs:attribute name='y' use='prohibited'/>",
        "<r x='1'/>",
        "<r y='1'/>"
    ),
    content!(
        "simple-content",
        "<xs:simpleContent><xs:extension base='xs:decimal'><xs:attribute name='x' type='xs:token'/></xs:extension></xs:simpleContent>",
        "<r x='a'>1.5</r>"
    ),
    (
        "mixed",
        "<xs:element name='r'><xs:complexType mixed='true'><xs:sequence><xs:element name='a' type='xs:int' minOccurs='0'/></xs:sequence>\
        </xs:complexType></xs:element>",
        &["<r>x<a>1</a>y</r>"],
    ),
    (
        "extension",
        "<xs:complexType name='base'><xs:sequence><xs:element name='a' type='xs:int'/></xs:sequence><xs:attribute name='x'/></xs:complexType>\
        <xs:element name='r'><xs:complexType><xs:complexContent><xs:extension base='base'><xs:sequence><xs:element name='b' type='xs:int'/></xs:sequence>\
        <xs:attribute name='y' use='required'/></xs:extension></xs:complexContent></xs:complexType></xs:element>",
        &["<r x='1' y='2'><a>1</a><b>2</b></r>"],
    ),
    (
        "restriction",
        "<xs:complexType name='base'><xs:sequence><xs:element name='a' type='xs:int' minOccurs='0'/><xs:element name='b' type='xs:int' maxOccurs='3'/></xs:sequence>\
        <xs:attribute name='x'/></xs:complexType><xs:element name='r'><xs:complexType><xs:complexContent><xs:restriction base='base'>\
        <xs:sequence><xs:element name='b' type='xs:int' maxOccurs='2'/></xs:sequence><xs:attribute name='x' use='required'/></xs:restriction></xs:complexContent>\
        </xs:complexType></xs:element>",
        &["<r x='1'><b>1</b><b>2</b></r>"],
    ),
    (
        "derived-type",
        "<xs:complexType name='base'><xs:sequence><xs:element name='a' type='xs:int'/></xs:sequence></xs:complexType>\
        <xs:complexType name='more'><xs:complexContent><xs:extension base='base'><xs:sequence><xs:element name='b' type='xs:int'/></xs:sequence></xs:extension>\
        </xs:complexContent></xs:complexType><xs:complexType name='other'><xs:sequence/></xs:complexType><xs:element name='r' type='base'/>",
        &[
            "<r xsi:type='more'><a>1</a><b>1</b></r>",
            "<r xsi:type='other'/>",
            "<r xsi:type='nothing'/>",
            "<r><a>1</a></r>",
        ],
    ),
    (
        "abstract-type",
        "<xs:complexType name='base' abstract='true'><xs:sequence/></xs:complexType><xs:complexType name='real'><xs:complexContent>\
        <xs:extension base='base'/></xs:complexContent></xs:complexType><xs:element name='r' type='base'/>",
        &["<r xsi:type='real'/>", "<r/>"],
    ),
    (
        "substitution",
        "<xs:element name='head' type='xs:integer' abstract='true'/><xs:element name='one' type='xs:integer' substitutionGroup='head'/>\
        <xs:element name='two' type='xs:positiveInteger' substitutionGroup='one'/><xs:element name='r'><xs:complexType><xs:sequence>\
        <xs:element ref='head' maxOccurs='2'/></xs:sequence></xs:complexType></xs:element>",
        &["<r><one>0</one><two>1</two></r>", "<r><head>1</head></r>"],
    ),
    (
        "group",
        "<xs:group name='g'><xs:sequence><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:int'/></xs:sequence></xs:group>\
        <xs:element name='r'><xs:complexType><xs:sequence><xs:group ref='g' maxOccurs='2'/><xs:element name='c' type='xs:int'/></xs:sequence></xs:complexType></xs:element>",
        &["<r><a>1</a><b>1</b><c>1</c></r>", "<r><a>1</a><b>1</b><a>1</a><b>1</b><c>1</c></r>"],
    ),
    (
        "attribute-group",
        "<xs:attributeGroup name='g'><xs:attribute name='x' type='xs:int' use='required'/><xs:attribute name='y'/></xs:attributeGroup>\
        <xs:element name='r'><xs:complexType><xs:attributeGroup ref='g'/></xs:complexType></xs:element>",
        &["<r x='1' y='1'/>"],
    ),
    content!(
        "any-lax",
        "<xs:sequence><xs:element name='a' type='xs:int'/><xs:any minOccurs='0' maxOccurs='2' processContents='lax'/></xs:sequence>",
        "<r><a>1</a><q>1</q></r>",
        "<r><a>1</a><q/><q/></r>"
    ),
    content!(
        "any-skip",
        "<xs:sequence><xs:any processContents='skip' namespace='##other'/></xs:sequence>",
        "<r><t:q>1</t:q></r>",
        "<r><q/></r>"
    ),
    (
        "any-strict",
        "<xs:element name='k' type='xs:int'/><xs:element name='r'><xs:complexType><xs:sequence><xs:any/></xs:sequence></xs:complexType></xs:element>",
        &["<r><k>1</k></r>", "<r><q/></r>"],
    ),
    content!(
        "any-attribute",
        "<xs:attribute name='x' type='xs:int'/><xs:anyAttribute processContents='skip'/>",
        "<r x='1' q='1'/>"
    ),
    (
        "unique",
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='a' type='xs:int' maxOccurs='9'/></xs:sequence></xs:complexType>\
        <xs:unique name='u'><xs:selector xpath='a'/><xs:field xpath='.'/></xs:unique></xs:element>",
        &["<r><a>1</a><a>2</a><a>3</a></r>", "<r><a>7</a><a>12</a></r>"],
    ),
    (
        "key",
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='a' maxOccurs='9'><xs:complexType><xs:attribute name='i' type='xs:int'/></xs:complexType>\
        </xs:element></xs:sequence></xs:complexType><xs:key name='k'><xs:selector xpath='a'/><xs:field xpath='@i'/></xs:key></xs:element>",
        &["<r><a i='1'/><a i='2'/><a i='7'/></r>"],
    ),
    (
        "keyref",
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='a' type='xs:string' maxOccurs='9'/><xs:element name='b' type='xs:string' minOccurs='0' maxOccurs='9'/>\
        </xs:sequence></xs:complexType><xs:key name='k'><xs:selector xpath='a'/><xs:field xpath='.'/></xs:key>\
        <xs:keyref name='f' refer='k'><xs:selector xpath='b'/><xs:field xpath='.'/></xs:keyref></xs:element>",
        &["<r><a>abc</a><a>ABC</a><b>abc</b></r>"],
    ),
    (
        "qualified",
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='a' type='t:s'/><xs:element name='b' type='xs:int' form='unqualified'/>\
        </xs:sequence><xs:attribute name='x' type='xs:int'/></xs:complexType></xs:element><xs:simpleType name='s'><xs:restriction base='xs:string'>\
        <xs:maxLength value='3'/></xs:restriction></xs:simpleType>",
        &[
            "<t:r x='1'><t:a>abc</t:a><b>1</b></t:r>",
            "<r x='1'><a>abc</a><b>1</b></r>",
            "<t:r><a>1</a><t:b>1</t:b></t:r>",
        ],
    ),
    (
        "reference",
        "<xs:element name='a' type='xs:int'/><xs:attribute name='x' type='xs:int'/><xs:element name='r'><xs:complexType><xs:sequence><xs:element ref='t:a' minOccurs='0'/>\
        </xs:sequence><xs:attribute ref='t:x' use='required'/></xs:complexType></xs:element>",
        &["<t:r t:x='1'><t:a>1</t:a></t:r>", "<t:r x='1'><a>1</a></t:r>"],
    ),
    (
        "recursive",
        "<xs:element name='r' type='n'/><xs:complexType name='n'><xs:sequence><xs:element name='v' type='xs:int'/><xs:element name='n' type='n' minOccurs='0' maxOccurs='2'/>\
        </xs:sequence></xs:complexType>",
        &["<r><v>1</v><n><v>1</v><n><v>1</v></n></n></r>"],
    ),
    (
        "nil-content",
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='a' nillable='true'><xs:complexType><xs:sequence><xs:element name='b' type='xs:int'/></xs:sequence>\
        <xs:attribute name='x' use='required'/></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>",
        &["<r><a x='1'><b>1</b></a></r>", "<r><a x='1' xsi:nil='true'/></r>"],
    ),
    leaf!("g-month-day", "gMonthDay"),
    leaf!("g-day", "gDay"),
    leaf!("float", "float"),
    leaf!("short", "short"),
    (
        "three-steps",
        "<xs:simpleType name='s'><xs:restriction base='xs:string'><xs:pattern value='[a-z0-9 ]*'/></xs:restriction></xs:simpleType>\
        <xs:simpleType name='u'><xs:restriction base='s'><xs:maxLength value='3'/></xs:restriction></xs:simpleType>\
        <xs:simpleType name='v'><xs:restriction base='u'><xs:whiteSpace value='collapse'/><xs:minLength value='1'/></xs:restriction></xs:simpleType>\
        <xs:element name='a' type='v'/>",
        &["<a>abc</a>"],
    ),
    (
        "union-of-lists",
        "<xs:simpleType name='l'><xs:list itemType='xs:boolean'/></xs:simpleType><xs:element name='a'><xs:simpleType>\
        <xs:union memberTypes='l xs:date'/></xs:simpleType></xs:element>",
        &["<a>true 1 0</a>", "<a>true 7</a>"],
    ),
    (
        "union-restricted",
        "<xs:simpleType name='u'><xs:union memberTypes='xs:int xs:NCName'/></xs:simpleType><xs:element name='a'><xs:simpleType>\
        <xs:restriction base='u'><xs:enumeration value='12'/><xs:enumeration value='abc'/></xs:restriction></xs:simpleType></xs:element>",
        &["<a>12</a>"],
    ),
    (
        "list-pattern",
        "<xs:simpleType name='l'><xs:list itemType='xs:token'/></xs:simpleType><xs:element name='a'><xs:simpleType><xs:restriction base='l'>\
        <xs:pattern value='a.*'/><xs:minLength value='1'/></xs:restriction></xs:simpleType></xs:element>",
        &["<a>a b</a>", "<a> a </a>"],
    ),
    (
        "simple-content-restriction",
        "<xs:complexType name='b'><xs:simpleContent><xs:extension base='xs:string'><xs:attribute name='x'/><xs:attribute name='y'/></xs:extension>\
        </xs:simpleContent></xs:complexType><xs:element name='a'><xs:complexType><xs:simpleContent><xs:restriction base='b'><xs:maxLength value='3'/>\
        <xs:attribute name='x' use='required'/><xs:attribute name='y' use='prohibited'/></xs:restriction></xs:simpleContent></xs:complexType></xs:element>",
        &["<a x='1'>abc</a>", "<a x='1' y='1'>abc</a>"],
    ),
    (
        "extended-twice",
        "<xs:complexType name='b'><xs:choice><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:int'/></xs:choice></xs:complexType>\
        <xs:complexType name='c'><xs:complexContent><xs:extension base='b'><xs:sequence><xs:element name='c' type='xs:int' minOccurs='0'/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>\
        <xs:element name='r'><xs:complexType><xs:complexContent><xs:extension base='c'><xs:attribute name='x'/></xs:extension></xs:complexContent></xs:complexType></xs:element>",
        &["<r x='1'><b>1</b><c>1</c></r>", "<r><a>1</a></r>"],
    ),
    (
        "blocked",
        "<xs:complexType name='b' block='extension'><xs:sequence><xs:element name='a' type='xs:int'/></xs:sequence></xs:complexType><xs:complexType name='m'>\
        <xs:complexContent><xs:extension base='b'><xs:sequence><xs:element name='c' type='xs:int'/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>\
        <xs:element name='r' type='b'/>",
        &["<r xsi:type='m'><a>1</a><c>1</c></r>", "<r xsi:type='b'><a>1</a></r>"],
    ),
    (
        "simple-xsi-type",
        "<xs:simpleType name='s'><xs:restriction base='xs:integer'><xs:maxInclusive value='7'/></xs:restriction></xs:simpleType>\
        <xs:element name='a' type='xs:decimal'/>",
        &["<a xsi:type='s'>5</a>", "<a xsi:type='xs:integer'>1.5</a>", "<a xsi:type='xs:string'>5</a>"],
    ),
    (
        "anything-typed",
        "<xs:element name='a'/>",
        &["<a xsi:type='xs:date'>2024-02-29</a>", "<a x='1'>x<b><c/></b>y</a>"],
    ),
    (
        "key-fields",
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='g' maxOccurs='9'><xs:complexType><xs:sequence>\
        <xs:element name='a' maxOccurs='9'><xs:complexType><xs:sequence><xs:element name='v' type='xs:decimal' minOccurs='0'/></xs:sequence><xs:attribute name='i' type='xs:string'/></xs:complexType>\
        </xs:element></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType><xs:key name='k'><xs:selector xpath='.//a'/><xs:field xpath='@i'/><xs:field xpath='v'/></xs:key></xs:element>",
        &[
            "<r><g><a i='1'><v>1</v></a><a i='1'><v>2</v></a></g><g><a i='2'><v>1.0</v></a><a i='3'><v>1</v></a></g></r>",
        ],
    ),
    (
        "unique-paths",
        "<xs:element name='r'><xs:complexType><xs:choice maxOccurs='unbounded'><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:int'/></xs:choice></xs:complexType>\
        <xs:unique name='u'><xs:selector xpath='a|b'/><xs:field xpath='.'/></xs:unique></xs:element>",
        &["<r><a>1</a><b>2</b><a>12</a></r>"],
    ),
    (
        "id-and-reference",
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='a' maxOccurs='3'><xs:complexType><xs:attribute name='i' type='xs:ID'/>\
        </xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>",
        &["<r><a i='x1'/><a i='ABC'/></r>"],
    ),
    (
        "any-namespaces",
        "<!--target--><xs:element name='r'><xs:complexType><xs:sequence><xs:any namespace='##targetNamespace ##local' processContents='skip' maxOccurs='2'/></xs:sequence>\
        </xs:complexType></xs:element>",
        &["<t:r><t:x/><y/></t:r>", "<t:r><xs:x/></t:r>"],
    ),
    (
        "any-attribute-other",
        "<!--target--><xs:attribute name='g' type='xs:int'/><xs:element name='r'><xs:complexType><xs:anyAttribute namespace='##targetNamespace' processContents='lax'/></xs:complexType></xs:element>",
        &["<t:r t:g='1' t:h='1'/>", "<t:r h='1'/>"],
    ),
    (
        "group-choice",
        "<xs:group name='g'><xs:choice><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:int'/></xs:choice></xs:group><xs:element name='r'><xs:complexType>\
        <xs:group ref='g' minOccurs='0' maxOccurs='unbounded'/></xs:complexType></xs:element>",
        &["<r><a>1</a><b>1</b><a>1</a></r>", "<r/>"],
    ),
    (
        "optional-all",
        "<xs:element name='r'><xs:complexType><xs:all minOccurs='0'><xs:element name='a' type='xs:int'/><xs:element name='b' type='xs:int'/></xs:all></xs:complexType></xs:element>",
        &["<r><b>1</b><a>1</a></r>", "<r/>"],
    ),
    (
        "empty-sequence",
        "<xs:element name='r'><xs:complexType><xs:sequence/></xs:complexType></xs:element>",
        &["<r/>", "<r> </r>"],
    ),
    (
        "bounded",
        "<xs:element name='r'><xs:complexType><xs:sequence><xs:element name='a' type='xs:int' minOccurs='0' maxOccurs='3'/><xs:element name='b' type='xs:int' minOccurs='0' maxOccurs='2'/></xs:sequence></xs:complexType></xs:element>",
        &["<r><a>1</a><a>1</a><a>1</a><b>1</b><b>1</b></r>", "<r><b>1</b></r>"],
    ),
];
