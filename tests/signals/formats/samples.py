"""A small file of every format, with an invented patient in every field that can name one.

`SAMPLES` is format (as `FORMAT` of its module) -> a function that writes a file into a folder and gives its path. The
signal is `counts(leads, ...)`, in units of 5 microvolts. Tests of all formats go through this table: a new format
adds a line.
"""

import base64
import zlib

import numpy as np

from hf_ecg.signals.leads import STANDARD_LEADS
from tests.signals.formats.binary_samples import BINARY
from tests.signals.formats.sample_parts import EIGHT, FIRST, LAST, RATE, SECONDS, STEP, WHO, counts, written
from tests.signals.formats.table_samples import TABLES


def packed(row):
    return base64.b64encode(row.astype("<i2").tobytes()).decode()


def aecg(folder):
    rows = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{lead.upper()}"/><value xsi:type="SLIST_PQ"><origin value="0"'
        f' unit="uV"/><scale value="{STEP}" unit="uV"/><digits>{" ".join(map(str, row))}</digits></value></sequence>'
        "</component>"
        for lead, row in zip(STANDARD_LEADS, counts(), strict=True)
    )
    measured = {
        "HEART_RATE": (60, "bpm"),
        "TIME_PD_PR": (0.16, "s"),
        "TIME_PD_QRS": (96, "ms"),
        "TIME_PD_QT": (400, "ms"),
    }
    values = "".join(
        f'<component><annotation><code code="MDC_ECG_{code}"/><value xsi:type="PQ" value="{value}" unit="{unit}"/>'
        "</annotation></component>"
        for code, (value, unit) in measured.items()
    )
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- File created on 01/02/2020 -->
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="{WHO["accession"]}"/><effectiveTime><low value="20200102030405.000"/></effectiveTime>
<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>
<id root="1.2.3" extension="{WHO["id"]}"/><subjectDemographicPerson><name><given>{FIRST}</given>
<family>{LAST}</family></name>
<administrativeGenderCode code="F"/><birthTime value="{WHO["birth"]}"/></subjectDemographicPerson>
</trialSubject></subject><componentOf><clinicalTrial><location><trialSite><location><name>{WHO["institution"]}</name>
<addr>{WHO["address"]}</addr></location></trialSite></location><responsibleParty><trialInvestigator><investigatorPerson>
<name><family>{WHO["physician"]}</family></name></investigatorPerson></trialInvestigator></responsibleParty>
</clinicalTrial></componentOf></subjectAssignment></componentOf></timepointEvent></componentOf>
<component><series><code code="RHYTHM"/><effectiveTime><low value="20200102030405.000"/></effectiveTime>
<author><seriesAuthor><manufacturedSeriesDevice><id extension="{WHO["serial"]}"/><manufacturerModelName>ELI 230
</manufacturerModelName></manufacturedSeriesDevice><manufacturerOrganization><name>Mortara</name>
</manufacturerOrganization></seriesAuthor></author><secondaryPerformer><seriesPerformer><assignedPerson>
<name>{WHO["operator"]}</name></assignedPerson></seriesPerformer></secondaryPerformer>
<component><sequenceSet><component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS">
<head value="20200102030405.000"/><increment value="0.002" unit="s"/></value></sequence></component>{rows}
</sequenceSet></component><subjectOf><annotationSet><component><annotation><code code="MDC_ECG_INTERPRETATION"/>
<component><annotation><code code="MDC_ECG_INTERPRETATION_STATEMENT"/><value xsi:type="ST">Sinus rhythm</value>
</annotation></component><component><annotation><code code="MDC_ECG_INTERPRETATION_COMMENT"/>
<value xsi:type="ST">{FIRST} {LAST} was calm. Confirmed by Dr {WHO["physician"]}</value></annotation></component>
</annotation></component>{values}<component><annotation><code code="MDC_ECG_BEAT"/><value code="MDC_ECG_BEAT_NORMAL"/>
<support><supportingROI><component><boundary><code code="TIME_ABSOLUTE"/><value><low value="20200102030405.500"/>
<high value="20200102030405.600"/></value></boundary></component></supportingROI></support></annotation></component>
</annotationSet></subjectOf></series></component></AnnotatedECG>"""
    return written(folder / "aecg.xml", text.encode())


def muse(folder):
    rows = "".join(
        f"<LeadData><LeadByteCountTotal>{2 * len(row)}</LeadByteCountTotal><LeadTimeOffset>0</LeadTimeOffset>"
        f"<LeadSampleCountTotal>{len(row)}</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>{STEP}"
        "</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>"
        f"<LeadID>{lead}</LeadID><LeadSampleSize>2</LeadSampleSize><LeadOff>FALSE</LeadOff>"
        f"<LeadDataCRC32>{zlib.crc32(row.astype('<i2').tobytes())}</LeadDataCRC32>"
        f"<WaveFormData>{packed(row)}</WaveFormData></LeadData>"
        for lead, row in zip(EIGHT, counts(EIGHT), strict=True)
    )
    text = f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE RestingECG SYSTEM "restecg.dtd">
<RestingECG><MuseInfo><MuseVersion>8.0.2</MuseVersion></MuseInfo>
<PatientDemographics><PatientID>{WHO["id"]}</PatientID><PatientAge>89</PatientAge><DateofBirth>{WHO["birth_us"]}
</DateofBirth><Gender>FEMALE</Gender><PatientLastName>{LAST.upper()}</PatientLastName>
<PatientFirstName>{FIRST.upper()}</PatientFirstName></PatientDemographics>
<TestDemographics><DataType>RESTING</DataType><SiteName>{WHO["institution"]}</SiteName>
<AcquisitionDevice>MAC55</AcquisitionDevice><AcquisitionTime>03:04:05</AcquisitionTime>
<AcquisitionDate>01-02-2020</AcquisitionDate><CartNumber>{WHO["serial"]}</CartNumber>
<AcquisitionTechLastName>{WHO["operator"]}</AcquisitionTechLastName>
<OverreaderLastName>{WHO["physician"]}</OverreaderLastName><RoomID>{WHO["address"]}</RoomID></TestDemographics>
<Order><OrderNumber>{WHO["accession"]}</OrderNumber></Order>
<RestingECGMeasurements><VentricularRate>60</VentricularRate><PRInterval>160</PRInterval>
<QRSDuration>96</QRSDuration><QTInterval>400</QTInterval><QTCorrected>400</QTCorrected><PAxis>51</PAxis>
<RAxis>-12</RAxis><TAxis>32767</TAxis></RestingECGMeasurements>
<Diagnosis><Modality>RESTING</Modality>
<DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag><StmtText>Normal sinus rhythm</StmtText></DiagnosisStatement>
<DiagnosisStatement><StmtText>Inferior infarct</StmtText></DiagnosisStatement>
<DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag><StmtText>, age undetermined</StmtText></DiagnosisStatement>
<DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag><StmtText>Confirmed by {WHO["physician"].upper()}, MD, JOHN (77) on
3/4/2020</StmtText></DiagnosisStatement></Diagnosis>
<OriginalDiagnosis><DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag>
<StmtText>Sinus bradycardia, {LAST.upper()}</StmtText></DiagnosisStatement></OriginalDiagnosis>
<Waveform><WaveformType>Median</WaveformType><SampleBase>500</SampleBase><SampleExponent>0</SampleExponent></Waveform>
<Waveform><WaveformType>Rhythm</WaveformType><NumberofLeads>8</NumberofLeads><SampleBase>{RATE}</SampleBase>
<SampleExponent>0</SampleExponent>{rows}</Waveform></RestingECG>"""
    return written(folder / "muse.xml", text.encode("latin-1"))


def sierra(folder):
    """Without packing; the packed ones are real."""
    text = f"""<?xml version="1.0" encoding="utf-16"?>
<restingecgdata status="Confirmed" xmlns="http://www3.medical.philips.com"><documentinfo>
<documentname>{WHO["accession"]}.xml</documentname><documenttype>PhilipsECG</documenttype>
<documentversion>1.04</documentversion><editor id="{WHO["operator"]}"/></documentinfo>
<userdefines><userdefine><label>FIN</label><value>{WHO["address"]}</value></userdefine></userdefines>
<orderinfo><ordernumber>{WHO["accession"]}</ordernumber></orderinfo>
<dataacquisition date="2020-01-02" time="03:04:05"><machine machineid="{WHO["serial"]}"
detaildescription="Philips Medical Products:860315:A.07.04.03">PageWriter TC</machine><acquirer><operator
id="{WHO["operator"]}"/><institutionname>{WHO["institution"]}</institutionname>
<orderingclinician>{WHO["physician"]}</orderingclinician></acquirer><signalcharacteristics>
<samplingrate>{RATE}</samplingrate><resolution>{STEP}</resolution></signalcharacteristics></dataacquisition>
<patient><generalpatientdata><patientid>{WHO["id"]}</patientid><name><lastname>{LAST}</lastname>
<firstname>{FIRST}</firstname></name><age><dateofbirth>{WHO["birth_dashed"]}</dateofbirth></age><sex>Female</sex>
</generalpatientdata></patient><interpretations><interpretation><globalmeasurements><heartrate>60</heartrate>
<print>160</print><qrsdur>96</qrsdur><qtint>400</qtint><pfrontaxis>Failed</pfrontaxis><qrsfrontaxis>0</qrsfrontaxis>
</globalmeasurements><mdsignatureline>Confirmed by: {WHO["physician"]}, MD 24-Dec-2020</mdsignatureline>
<severity>- NORMAL ECG -</severity><statement><leftstatement>Sinus rhythm of {LAST}, {FIRST}</leftstatement>
<rightstatement>V-rate 50-99</rightstatement></statement></interpretation></interpretations>
<waveforms><parsedwaveforms dataencoding="Base64" compression="Uncompressed" numberofleads="12"
leadlabels="{" ".join(STANDARD_LEADS)}" durationperchannel="{1000 * SECONDS}" samplespersecond="{RATE}"
resolution="{STEP}">{packed(counts())}</parsedwaveforms></waveforms></restingecgdata>"""
    return written(folder / "sierra.xml", text.encode("utf-16"))


def mortara(folder):
    channels = "".join(
        f'<CHANNEL NAME="{lead}" UNITS_PER_MV="{1000 // STEP}" SAMPLE_FREQ="{RATE}" BITS="16" FORMAT="SIGNED"'
        f' ENCODING="BASE64" DURATION="{len(row)}" OFFSET="0" DATA="{packed(row)}"/>'
        for lead, row in zip(STANDARD_LEADS, counts(), strict=True)
    )
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<ECG ACQUISITION_TIME="20200102030405" AGE="89" AGE_UNITS="YEARS" VENT_RATE="60" AVERAGE_RR="1000" LOCATION="7"
ROOM="{WHO["address"]}" TECHNICIAN="{WHO["operator"]}" COMMENT="{WHO["accession"]}">
<SUBJECT LAST_NAME="{LAST}" FIRST_NAME="{FIRST}" ID="{WHO["id"]}" GENDER="FEMALE" DOB="{WHO["birth"]}"/>
<SITE NAME="{WHO["institution"]}"/><SOURCE TYPE="DEVICE" MANUFACTURER="Mortara Instrument" MODEL="ELI 250"
ACQUIRING_DEVICE_SERIAL_NUMBER="{WHO["serial"]}"/><DEMOGRAPHIC_FIELDS><DEMOGRAPHIC_FIELD ID="9" LABEL="Doctor"
VALUE="{WHO["physician"]}"/></DEMOGRAPHIC_FIELDS><AUTOMATIC_INTERPRETATION><STATEMENT TEXT="Sinus rhythm"
REASON="P of {WHO["id"]}"/></AUTOMATIC_INTERPRETATION><TYPICAL_CYCLE PR_DURATION="160" QRS_DURATION="96" QT="400"
QTC="401" P_AXIS="51" QRS_AXIS="-12"/>{channels}</ECG>"""
    return written(folder / "mortara.xml", text.encode())


def wfdb_header(folder):
    made = counts()
    lines = [f"made {len(made)} {RATE} {made.shape[1]} 03:04:05 02/01/2020"]
    for lead, row in zip(STANDARD_LEADS, made, strict=True):
        total = int(row.astype(np.int64).sum()) & 0xFFFF
        lines.append(f"made.dat 16 {1000 // STEP}(0)/mV 16 0 {row[0]} {total} 0 {lead}")
    said = {
        "Name": f"{FIRST} {LAST}",
        "Patient ID": WHO["id"],
        "Birthdate": WHO["birth_dashed"],
        "Referring physician": WHO["physician"],
        "Technician": WHO["operator"],
        "Hospital": WHO["institution"],
        "Serial number": WHO["serial"],
        "Accession number": WHO["accession"],
        "Address": WHO["address"],
        "Age": 61,
        "Dx": f"426783006 of {FIRST} {LAST}",
    }
    lines += [f"# {key}: {value}" for key, value in said.items()]
    made.T.astype("<i2").tofile(folder / "made.dat")
    return written(folder / "made.hea", ("\n".join(lines) + "\n").encode())


def numpy_archive(folder):
    comments = [f"Patient: {FIRST} {LAST}", f"MRN: {WHO['id']}", "Rhythm: sinus"]
    made = {"signals": counts() * STEP, "leads": STANDARD_LEADS, "sampling_rate": RATE, "units": "uV"}
    np.savez(folder / "made.npz", **made, comments=comments)
    return folder / "made.npz"


def watch(folder):
    lines = [
        *(f"Name,{FIRST} {LAST}", f"Date of Birth,{WHO['birth_dashed']}", "Recorded Date,2020-01-02 03:04:05 +0000"),
        *(
            "Classification,Sinus Rhythm",
            'Device,"Watch4,3"',
            f"Sample Rate,{RATE} hertz",
            "",
            "Lead,Lead I",
            "Unit,µV",
        ),
        *("", *map(str, counts(["I"])[0].astype(int) * STEP)),
    ]
    return written(folder / "watch.csv", "\n".join(lines).encode())


SAMPLES = {
    "WFDB": wfdb_header,
    "NumPy": numpy_archive,
    "CSV of a watch": watch,
    "HL7 aECG": aecg,
    "GE MUSE XML": muse,
    "Philips Sierra XML": sierra,
    "Mortara XML": mortara,
    **BINARY,
    **TABLES,
}
