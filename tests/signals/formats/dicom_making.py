"""DICOM waveforms made of numbers."""

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

TWELVE_LEAD = "1.2.840.10008.5.1.4.1.1.9.1.1"


def code(value, meaning="", scheme="UCUM"):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def channel(source, sensitivity="2.5", unit="uV", correction="1", baseline="0", label=None, **elements):
    """A channel; `source` is (code, meaning, scheme), any element may be changed or taken away (None)."""
    item = Dataset()
    if source is not None:
        item.ChannelSourceSequence = code(*source)
    if label is not None:
        item.ChannelLabel = label
    for key, value in (
        ("ChannelSensitivity", sensitivity),
        ("ChannelSensitivityCorrectionFactor", correction),
        ("ChannelBaseline", baseline),
        *elements.items(),
    ):
        if value is not None:
            setattr(item, key, value)
    if unit is not None:
        item.ChannelSensitivityUnitsSequence = code(unit)
    return item


def group(samples, channels, *, label="RHYTHM", rate="500", kind="SS", padding=None, order="<"):
    """A multiplex group of (channels, samples)."""
    dtype = {"SS": "i2", "US": "u2", "SL": "i4", "UL": "u4", "SB": "i1", "UB": "u1", "MB": "u1", "AB": "u1"}[kind]
    stored = np.ascontiguousarray(np.asarray(samples).T).astype(order + dtype)
    item = Dataset()
    item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = stored.shape[1], stored.shape[0]
    item.SamplingFrequency, item.MultiplexGroupLabel = rate, label
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = 8 * stored.itemsize, kind
    if padding is not None:
        item.add_new(0x5400100A, "OW" if stored.itemsize > 1 else "OB", np.array(padding, order + dtype).tobytes())
    item.ChannelDefinitionSequence = Sequence(channels)
    item.add_new(0x54001010, "OW" if stored.itemsize > 1 else "OB", stored.tobytes())
    return item


def write(path, groups, *, sop=TWELVE_LEAD, syntax=ExplicitVRLittleEndian, preamble=True, notes=(), **elements):
    """The file; `elements` are those of the patient and the study."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop, "1.2.3.4"
    for key, value in elements.items():
        setattr(dataset, key, value)
    if groups:
        dataset.WaveformSequence = Sequence(groups)
    if notes:
        dataset.WaveformAnnotationSequence = Sequence(notes)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = sop, "1.2.3.4"
    if preamble:
        dataset.save_as(path, enforce_file_format=True)
    else:
        del dataset.file_meta
        implicit = syntax.is_implicit_VR
        dataset.save_as(path, implicit_vr=implicit, little_endian=True)
    return path


def note(text=None, name=None, value=None, unit=None, channels=(1, 0), **elements):
    """An annotation; `name` is (code, meaning, scheme)."""
    item = Dataset()
    item.ReferencedWaveformChannels = list(channels)
    if text is not None:
        item.UnformattedTextValue = text
    if name is not None:
        item.ConceptNameCodeSequence = code(*name)
    if value is not None:
        item.NumericValue = value
    if unit is not None:
        item.MeasurementUnitsCodeSequence = code(unit)
    for key, element in elements.items():
        setattr(item, key, element)
    return item
